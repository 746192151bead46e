import { compareVersions } from "compare-versions";
import type { ClusterDefinition, RabbitmqDefinition } from "../../definition/cluster";
import type { Placement } from "../../placement/placement";
import type { Instance } from "../../workload";
import { survivingNodes } from "../surviving-nodes";
import { partitionHandling } from "./definition-checks";
import { HEALTH_USER } from "./definitions";

export const METRICS_PORT = 15692;
export const EPMD_PORT = 4369;
export const DISTRIBUTION_PORT = 25672;

const PEER_KEY = "cluster_formation.classic_config.nodes.";

export function rabbitmqPaths({ folder }: Pick<Placement, "folder">) {
  const home = folder("broker", "configuration", "/etc/rabbitmq");
  return {
    config: `${home}/rabbitmq.conf`,
    peers: `${home}/peers.conf`,
    advancedConfig: `${home}/advanced.config`,
    enabledPlugins: `${home}/enabled_plugins`,
    definitions: `${home}/definitions.json`,
    memberCheck: `${home}/member-check`,
    membership: `${home}/membership`,
    cookie: `${home}/.erlang.cookie`,
    home,
    data: folder("broker", "data", "/var/lib/rabbitmq"),
  };
}

export type RabbitmqPaths = ReturnType<typeof rabbitmqPaths>;

export interface RabbitmqSettings {
  readonly broker: RabbitmqDefinition;
  readonly cluster: string;
  readonly paths: RabbitmqPaths;
  readonly managesMembers: boolean;
  /** A balancer stands in front and tells the clients' addresses. */
  readonly proxyProtocol: boolean;
}

/** An unknown key stops RabbitMQ at its start: keys are those of the given version and no others. */
export function rabbitmqConf({ broker, cluster, paths, managesMembers, proxyProtocol }: RabbitmqSettings): string {
  return `${[
    ...clusterLines(broker, cluster),
    "",
    ...mqttLines(broker, proxyProtocol),
    ...queueTypeLines(broker, managesMembers),
    "",
    "# Nobody here speaks AMQP: no listener for it.",
    "listeners.tcp = none",
    "",
    `load_definitions = ${paths.definitions}`,
    "# The user of the health check, whose password is public.",
    `loopback_users.${HEALTH_USER} = true`,
    "",
    `prometheus.tcp.port = ${METRICS_PORT}`,
    "# Statistics for the management interface, which is not there.",
    "management_agent.disable_metrics_collector = true",
    "",
    ...limitLines(broker),
    "",
    "log.file = false",
    "log.console = true",
    "log.console.level = info",
    "# At info, three lines for every connection.",
    "log.connection.level = warning",
  ].join("\n")}\n`;
}

function clusterLines(broker: RabbitmqDefinition, cluster: string): string[] {
  const handling = partitionHandling(broker);
  return [`cluster_name = ${cluster}`, ...(handling ? [`cluster_partition_handling = ${handling}`] : [])];
}

/** Where a node without data looks for others; a file of its own, because nobody must restart for one more of them. */
export function peersConf(nodes: readonly Instance[]): string {
  return `${[
    "cluster_formation.peer_discovery_backend = classic_config",
    ...nodes.map(({ ordinal, host }) => `${PEER_KEY}${ordinal} = rabbit@${host}`),
  ].join("\n")}\n`;
}

/** Command of a shell that prints the hosts in `peersConf`, one a line. */
export function listPeers(path: string): string {
  return `sed -n 's/^${PEER_KEY.replaceAll(".", "\\.")}[0-9]* = rabbit@//p' ${path}`;
}

function mqttLines({ version, listeners, mqtt }: RabbitmqDefinition, proxyProtocol: boolean): string[] {
  const since = (first: string) => compareVersions(version, first) >= 0;
  return [
    `mqtt.listeners.tcp.default = ${listeners.tcpPort}`,
    "# The default backlog, 128, is too short when every client comes back at once. To set one option is to set all.",
    "mqtt.tcp_listen_options.backlog = 4096",
    "mqtt.tcp_listen_options.nodelay = true",
    "mqtt.tcp_listen_options.send_timeout = 15000",
    "mqtt.tcp_listen_options.send_timeout_close = true",
    "mqtt.allow_anonymous = false",
    `mqtt.proxy_protocol = ${proxyProtocol}`,
    ...(listeners.wsPort === 0
      ? []
      : [
          `web_mqtt.tcp.port = ${listeners.wsPort}`,
          "web_mqtt.tcp.backlog = 4096",
          `web_mqtt.proxy_protocol = ${proxyProtocol}`,
        ]),
    `mqtt.prefetch = ${mqtt.maxInflight}`,
    since("3.13")
      ? `mqtt.max_session_expiry_interval_seconds = ${mqtt.sessionExpiry}`
      : `mqtt.subscription_ttl = ${mqtt.sessionExpiry * 1000}`,
    ...(since("3.13")
      ? [
          `mqtt.max_packet_size_authenticated = ${mqtt.maxPacketSize}`,
          `mqtt.max_packet_size_unauthenticated = ${Math.min(mqtt.maxPacketSize, 65536)}`,
        ]
      : []),
    `max_message_size = ${mqtt.maxPacketSize}`,
  ];
}

function queueTypeLines({ nodes }: RabbitmqDefinition, managesMembers: boolean): string[] {
  return [
    "# A classic queue lives on one node: while that is away its client is cut off as soon as it subscribes elsewhere.",
    // And when the type changes, clients with a queue of the other one are cut off whenever they subscribe. Where
    // nodes come and go one by one, a single node may become a cluster later.
    `mqtt.durable_queue_type = ${nodes === 1 && !managesMembers ? "classic" : "quorum"}`,
  ];
}

function limitLines({ memory, memoryHighWatermark, diskFreeLimit }: RabbitmqDefinition): string[] {
  return [
    memory === undefined
      ? `vm_memory_high_watermark.relative = ${memoryHighWatermark}`
      : // Of the limit and not of the machine's memory, which is what RabbitMQ may see.
        `vm_memory_high_watermark.absolute = ${Math.floor(memory * memoryHighWatermark)}`,
    `disk_free_limit.absolute = ${diskFreeLimit}`,
  ];
}

/** What has no key in rabbitmq.conf. */
export function advancedConfig({ netTickTime }: RabbitmqDefinition): string {
  return `[{kernel, [{net_ticktime, ${netTickTime}}]}].\n`;
}

export function enabledPlugins({ listeners }: RabbitmqDefinition): string {
  const plugins = ["rabbitmq_mqtt", ...(listeners.wsPort === 0 ? [] : ["rabbitmq_web_mqtt"]), "rabbitmq_prometheus"];
  return `[${plugins.join(", ")}].\n`;
}

/** Connections that one node must hold when another one is away. */
export function connectionsPerNode(
  { clients, broker }: ClusterDefinition,
  placement: Pick<Placement, "managesMembers">,
): number {
  return Math.ceil(clients.maxConnections / survivingNodes(broker.nodes, placement));
}
