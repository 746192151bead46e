import * as v from "valibot";
import type { Secret } from "./secret";
import { duration, flag, integer, mapOf, number, options, pattern, port, secret, size, version } from "./values";

/** Where clients and other programs connect to each broker. */
export interface BrokerListenersProps {
  /**
   * Port of MQTT over TCP, for clients that come through the balancer.
   * @default 1883
   */
  readonly tcpPort?: number;
  /**
   * Port of MQTT over WebSocket (path `/mqtt` on EMQX, `/ws` on RabbitMQ), through the balancer; `0` switches it off.
   * @default 8083
   */
  readonly wsPort?: number;
  /**
   * Port of MQTT over TCP for programs inside the cluster's own network, which come without a balancer; `0` switches it
   * off. The other listeners insist on the PROXY protocol when a balancer is in front. EMQX only: RabbitMQ has one
   * setting for all its MQTT listeners.
   * @default 0
   */
  readonly internalPort?: number;
}

/** Limits of the MQTT protocol that every client meets. */
export interface MqttLimitsProps {
  /**
   * Largest packet a client may send: "1KB" to "256MB".
   * @default "1MB"
   */
  readonly maxPacketSize?: string;
  /**
   * How long the session of a disconnected MQTT 3 client is kept: "1m" to "30d". MQTT 5 clients choose for themselves:
   * freely on EMQX, at most this long on RabbitMQ.
   * @default "2h"
   */
  readonly sessionExpiry?: string;
  /**
   * Messages queued for one client that is offline or slow; older ones are dropped first. EMQX only.
   * @default 1000
   */
  readonly maxQueuedMessages?: number;
  /**
   * Unacknowledged QoS 1 and 2 messages on their way to one client.
   * @default 32
   */
  readonly maxInflight?: number;
  /**
   * Longest client id, in bytes. EMQX only.
   * @default 256
   */
  readonly maxClientIdLength?: number;
  /**
   * Most levels of a topic. EMQX only.
   * @default 32
   */
  readonly maxTopicLevels?: number;
}

/** What `Broker.emqx()` accepts. */
export interface EmqxBrokerProps {
  /**
   * Version of EMQX. 5.8.9 is the last open-source one and may be clustered freely; from 5.9 on, more than one node
   * needs `license`.
   * @default "5.8.9"
   */
  readonly version?: string;
  /**
   * Number of nodes: 1, 3, 5 or 7.
   * @default 3
   */
  readonly nodes?: number;
  /**
   * Name of the EMQX cluster (`cluster.name`).
   * @default - the name of the cluster, with `_` for `-`
   */
  readonly clusterName?: string;
  /**
   * Licence key, for 5.9 and later.
   * @default - none
   */
  readonly license?: Secret;
  /** @default - tcp on 1883, ws on 8083, no internal listener */
  readonly listeners?: BrokerListenersProps;
  /** @default - see MqttLimitsProps */
  readonly mqtt?: MqttLimitsProps;
  /**
   * Heal a cluster that was split, by restarting the smaller side once both see each other again.
   * @default true
   */
  readonly autoheal?: boolean;
  /**
   * After this time a node that is down is removed from the cluster, and does not come back by itself: "1h" to "30d".
   * @default "24h"
   */
  readonly autoclean?: string;
  /**
   * How long a silent node counts as alive: "8s" to "2m". With EMQX's own 2m and its cluster-wide session lock, one hung
   * node makes half of all new connections hang for over 170 s; 20 s and a local lock bring that down to 20 s.
   * @default "20s"
   */
  readonly netTickTime?: string;
  /**
   * Keep retained messages on disc, so that they survive a restart of all nodes.
   * @default true
   */
  readonly retainedMessagesOnDisc?: boolean;
  /**
   * Password of the dashboard's user `admin`. EMQX reads it at the very first start of a cluster only; later it is
   * changed with `emqx ctl admins passwd`.
   * @default - Secret.variable("<cluster>_dashboard_password")
   */
  readonly dashboardPassword?: Secret;
  /**
   * Erlang cookie that the nodes share.
   * @default - Secret.variable("<cluster>_node_cookie")
   */
  readonly nodeCookie?: Secret;
  /**
   * Memory limit of each node: "512MB" to "512GB".
   * @default - no limit
   */
  readonly memory?: string;
  /**
   * Processors that each node may use at most, 0.1 to 256; a fraction is allowed.
   * @default - no limit
   */
  readonly cpus?: number;
  /**
   * Further EMQX settings, by full key: `{ "mqtt.max_topic_alias": 128 }`. Keys and values are checked against the
   * settings of EMQX 5.8.9; a key that this package writes itself is refused and the option that governs it named.
   * @default - none
   */
  readonly extraConfig?: { readonly [key: string]: string | number | boolean };
}

/** What `Broker.rabbitmq()` accepts. */
export interface RabbitmqBrokerProps {
  /**
   * Version of RabbitMQ, 3.10 or later (Debian 12 ships 3.10.8). MQTT 5 needs 3.13, `${clientid}` in a rule 4.2.4.
   * @default "4.2.9"
   */
  readonly version?: string;
  /**
   * Number of nodes: 1, 3, 5 or 7.
   * @default 3
   */
  readonly nodes?: number;
  /** @default - tcp on 1883, ws on 8083 */
  readonly listeners?: BrokerListenersProps;
  /** @default - see MqttLimitsProps */
  readonly mqtt?: MqttLimitsProps;
  /**
   * Share of the node's memory (its limit, when `memory` is set) at which publishers are held back: 0.1 to 0.9.
   * @default 0.4
   */
  readonly memoryHighWatermark?: number;
  /**
   * Free disc space below which publishers are held back: "50MB" to "1024GB".
   * @default "1GB"
   */
  readonly diskFreeLimit?: string;
  /**
   * Before RabbitMQ 4.2 only: what a node does that sees only a minority of the cluster, stop serving until it sees the
   * majority (`pause_minority`), or restart when the split ends (`autoheal`). `ignore` is left out: it never heals. From
   * 4.2 on there is nothing to choose: a side without a majority takes no new subscriptions until it sees the majority.
   * @default - "pause_minority" before 4.2, none from there on
   */
  readonly partitionHandling?: RabbitmqPartitionHandling;
  /**
   * How long a silent node counts as alive: "8s" to "2m". Until then new subscriptions wait for it, on every node.
   * @default "20s"
   */
  readonly netTickTime?: string;
  /**
   * Erlang cookie that the nodes share.
   * @default - Secret.variable("<cluster>_node_cookie")
   */
  readonly nodeCookie?: Secret;
  /**
   * Memory limit of each node: "256MB" to "512GB".
   * @default - no limit
   */
  readonly memory?: string;
  /**
   * Processors that each node may use at most, 0.1 to 256; a fraction is allowed.
   * @default - no limit
   */
  readonly cpus?: number;
}

/** See `RabbitmqBrokerProps.partitionHandling`. */
export type RabbitmqPartitionHandling = "pause_minority" | "autoheal";

/** The program that speaks MQTT with clients, and how many nodes of it. */
export class Broker {
  /** EMQX: MQTT 5 and 3, and sessions that follow a client from node to node. */
  public static emqx(props: EmqxBrokerProps = {}): Broker {
    return new Broker("emqx", props);
  }

  /** RabbitMQ with its MQTT plugin: QoS 0 and 1, and sessions kept in queues. */
  public static rabbitmq(props: RabbitmqBrokerProps = {}): Broker {
    return new Broker("rabbitmq", props);
  }

  /** @internal */
  public readonly _kind: "emqx" | "rabbitmq";
  /** @internal */
  public readonly _props: EmqxBrokerProps | RabbitmqBrokerProps;

  private constructor(kind: "emqx" | "rabbitmq", props: EmqxBrokerProps | RabbitmqBrokerProps) {
    this._kind = kind;
    this._props = props;
  }
}

const nodes = v.picklist(
  [1, 3, 5, 7],
  "must be 1, 3, 5 or 7: with an even number no side of a split has a majority (two nodes cannot lose either one), and " +
    "beyond 7 every change of the routing table costs more than a node brings",
);

const listeners = options({
  tcpPort: v.optional(port, 1883),
  wsPort: v.optional(integer(0, 65535), 8083),
  internalPort: v.optional(integer(0, 65535), 0),
});

const mqtt = options({
  maxPacketSize: v.optional(size("1KB", "256MB"), "1MB"),
  sessionExpiry: v.optional(duration("1m", "30d"), "2h"),
  maxQueuedMessages: v.optional(integer(0, 1_000_000)),
  maxInflight: v.optional(integer(1, 65535), 32),
  maxClientIdLength: v.optional(integer(23, 65535)),
  maxTopicLevels: v.optional(integer(1, 65535)),
});

const cpus = v.optional(number(0.1, 256));

const netTickTime = v.optional(duration("8s", "2m"), "20s");

export const emqxSchema = options({
  version: v.optional(version, "5.8.9"),
  nodes: v.optional(nodes, 3),
  clusterName: v.optional(
    pattern(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, "letters, digits, _ and -, beginning with a letter"),
  ),
  license: v.optional(secret),
  listeners: v.optional(listeners, {}),
  mqtt: v.optional(mqtt, {}),
  autoheal: v.optional(flag, true),
  autoclean: v.optional(duration("1h", "30d"), "24h"),
  netTickTime,
  retainedMessagesOnDisc: v.optional(flag, true),
  dashboardPassword: v.optional(secret),
  nodeCookie: v.optional(secret),
  memory: v.optional(size("512MB", "512GB")),
  cpus,
  extraConfig: v.optional(
    mapOf(
      v.string(),
      v.union([v.string(), v.number(), v.boolean()], "must be text, a number, true or false"),
      'must be an object of EMQX settings by their full keys: { "mqtt.max_topic_alias": 128 }',
    ),
    {},
  ),
});

export const rabbitmqSchema = options({
  version: v.optional(version, "4.2.9"),
  nodes: v.optional(nodes, 3),
  listeners: v.optional(listeners, {}),
  mqtt: v.optional(mqtt, {}),
  memoryHighWatermark: v.optional(number(0.1, 0.9), 0.4),
  diskFreeLimit: v.optional(size("50MB", "1024GB"), "1GB"),
  partitionHandling: v.optional(
    v.picklist(
      ["pause_minority", "autoheal"],
      'must be "pause_minority" or "autoheal": with "ignore" both sides of a split go on alone and never heal',
    ),
  ),
  netTickTime,
  nodeCookie: v.optional(secret),
  memory: v.optional(size("256MB", "512GB")),
  cpus,
});
