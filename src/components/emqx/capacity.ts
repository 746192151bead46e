import type { ClusterDefinition } from "../../definition/cluster";
import type { Placement } from "../../placement/placement";
import { survivingNodes } from "../surviving-nodes";

/** What one node must be able to hold. */
export interface NodeCapacity {
  /** Connections that a listener takes before it refuses more. */
  readonly connections: number;
  /** Open files, which are also the Erlang ports, that the node may have. */
  readonly openFiles: number;
}

/** A share of the clients is never spread perfectly, and a takeover holds two connections for a moment. */
const HEADROOM = 1.25;

/**
 * What a node opens besides its clients: links to the other nodes (ten of them each for RPC alone), the dashboard's 512
 * connections, pools to Redis, tables and logs. Also room for the node's own processes, of which EMQX allows twice as many.
 */
const OWN_FILES = 4096;

/**
 * The nodes that are left when one is lost must hold every client, so a node is sized for its share of a cluster with one
 * node less. The limit stands on each listener, and a node may be full on all of them before it runs out of files: a
 * listener that is full refuses one client, a node without files stops working.
 */
export function nodeCapacity(
  { broker, clients }: ClusterDefinition,
  placement: Pick<Placement, "managesMembers">,
): NodeCapacity {
  const survivors = survivingNodes(broker.nodes, placement);
  const connections = Math.ceil((clients.maxConnections * HEADROOM) / survivors);
  const { wsPort, internalPort } = broker.listeners;
  const listeners = 1 + (wsPort === 0 ? 0 : 1) + (internalPort === 0 ? 0 : 1);
  return { connections, openFiles: connections * listeners + OWN_FILES };
}
