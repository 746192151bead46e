import type { ClientLimits } from "../definition/cluster";
import { BALANCER_METRICS_PORT } from "../definition/cross-checks";
import type { Placement } from "../placement/placement";
import type { Instance, Port, Process, Workload, WorkloadName } from "../workload";
import { type AlertLimits, DEFAULT_ALERT_LIMITS } from "./alert-limits";
import type { BrokerInterface } from "./broker-interface";

/** What a balancer must know of its surroundings, whoever runs the brokers. */
export interface BalancerInput extends Pick<Placement, "software" | "folder" | "resolver" | "podsOf"> {
  readonly cluster: string;
  readonly clients: ClientLimits;
  readonly brokers: BrokerInterface;
  /** The brokers. Their ordinals are what the consistent hash knows them by, so that one that leaves renumbers no other. */
  readonly servers: readonly Instance[];
  /** The brokers are somebody else's, wherever they run. */
  readonly foreignBrokers?: boolean;
  /** Of the balancer itself. */
  readonly instances: readonly Instance[];
  /**
   * How long a broker may take to accept a connection. One that can be reached does so within one round trip, even when it
   * hangs: its kernel does. Where a host is gone nothing answers at all, and every client that is sent there waits for as
   * long as this before the next broker's turn. A dropped SYN is sent again after a second (RFC 6298).
   */
  readonly connectTimeoutMs: number;
  readonly startsAfter: readonly WorkloadName[];
  /** @default - see DEFAULT_ALERT_LIMITS */
  readonly alertLimits?: AlertLimits;
}

/** Connections for scrapes, health probes and operators, on top of those for clients. */
export const RESERVED_CONNECTIONS = 256;

/** Connections out of the reserve that operators may hold, so that theirs do not silence health and metrics either. */
export const OPERATOR_CONNECTIONS = 100;

/**
 * Client connections that one balancer accepts. Each of two balancers must be able to hold them all, for the time when
 * the other one is gone; a tenth more, because clients that reconnect come before their dead connections are noticed.
 */
export function clientConnections({ maxConnections }: ClientLimits): number {
  return Math.ceil(maxConnections * 1.1);
}

/**
 * Connections of all balancers together, on all their ports, at which their alert fires: fewer than one port of one
 * balancer takes, so that it fires before any client has to wait.
 */
export function connectionsThreshold({ clients, alertLimits = DEFAULT_ALERT_LIMITS }: BalancerInput): number {
  return Math.floor((clients.maxConnections * alertLimits.connectionsPercent) / 100);
}

/**
 * Seconds without a byte after which a connection is cut. A broker gives a client up after 1.5 times its keepalive
 * (MQTT 3.1.1, section 3.1.2.10); the balancer must not be faster.
 */
export function idleTimeout({ maxKeepalive }: ClientLimits): number {
  return Math.ceil(maxKeepalive * 1.5) + 30;
}

/**
 * SIGTERM ends both programs at once, with exit status 0. Their graceful signals wait for connections to finish, which
 * those of MQTT never do: new clients would be turned away for the whole grace, and the end would be SIGKILL all the same.
 * There is nothing to save; the grace is for a busy machine.
 */
export const STOP_AT_ONCE = {
  stopSignal: "SIGTERM",
  stopGraceSeconds: 5,
} as const satisfies Pick<Process, "stopSignal" | "stopGraceSeconds">;

/** What a balancer is to the cluster, whichever program does it. */
export function balancerRole(
  input: BalancerInput,
): Pick<Workload, "name" | "instances" | "ports" | "data" | "health" | "connectsTo" | "startsAfter" | "startOrder"> {
  return {
    name: "balancer",
    instances: input.instances,
    ports: balancerPorts(input.brokers),
    data: [],
    health: {
      probe: { kind: "http", port: BALANCER_METRICS_PORT, path: "/health" },
      intervalSeconds: 5,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 15,
    },
    connectsTo: input.foreignBrokers
      ? input.servers.flatMap(({ host }) => brokerPorts(input.brokers).map((port) => ({ toHost: host, port })))
      : [{ to: "broker", ports: brokerPorts(input.brokers) }],
    startsAfter: input.startsAfter,
    startOrder: "together",
  };
}

function brokerPorts({ tcpPort, ws, dashboardPort, check }: BrokerInterface): number[] {
  return [...new Set([tcpPort, ...(ws ? [ws.port] : []), ...(dashboardPort ? [dashboardPort] : []), check.port])];
}

function balancerPorts({ tcpPort, ws, dashboardPort }: BrokerInterface): Port[] {
  return [
    { name: "mqtt", number: tcpPort, audience: "clients", scheme: "mqtt" },
    ...(ws ? [{ name: "ws", number: ws.port, audience: "clients", scheme: "ws", urlPath: ws.path } as const] : []),
    ...(dashboardPort
      ? [{ name: "dashboard", number: dashboardPort, audience: "operators", scheme: "http" } as const]
      : []),
    { name: "metrics", number: BALANCER_METRICS_PORT, audience: "cluster" },
  ];
}
