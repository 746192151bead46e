import { compareVersions } from "compare-versions";
import type { ClusterDefinition, RabbitmqDefinition } from "../../definition/cluster";
import type { Instance } from "../../workload";
import { partitionHandling } from "./definition-checks";
import { HEALTH_USER } from "./definitions";

export const METRICS_PORT = 15692;
export const EPMD_PORT = 4369;
export const DISTRIBUTION_PORT = 25672;

const FOLDER = "/etc/rabbitmq";
export const PATHS = {
  config: `${FOLDER}/rabbitmq.conf`,
  advancedConfig: `${FOLDER}/advanced.config`,
  enabledPlugins: `${FOLDER}/enabled_plugins`,
  definitions: `${FOLDER}/definitions.json`,
  memberCheck: `${FOLDER}/member-check`,
  cookie: `${FOLDER}/.erlang.cookie`,
  home: FOLDER,
  data: "/var/lib/rabbitmq",
} as const;

export interface RabbitmqSettings {
  readonly broker: RabbitmqDefinition;
  readonly cluster: string;
  readonly nodes: readonly Instance[];
  /** A balancer stands in front and tells the clients' addresses. */
  readonly proxyProtocol: boolean;
}

/** An unknown key stops RabbitMQ at its start: keys are those of the given version and no others. */
export function rabbitmqConf({ broker, cluster, nodes, proxyProtocol }: RabbitmqSettings): string {
  return `${[
    ...clusterLines(broker, cluster, nodes),
    "",
    ...mqttLines(broker, proxyProtocol),
    "",
    "# Nobody here speaks AMQP: no listener for it.",
    "listeners.tcp = none",
    "",
    `load_definitions = ${PATHS.definitions}`,
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

function clusterLines(broker: RabbitmqDefinition, cluster: string, nodes: readonly Instance[]): string[] {
  const handling = partitionHandling(broker);
  return [
    `cluster_name = ${cluster}`,
    ...(handling ? [`cluster_partition_handling = ${handling}`] : []),
    ...(nodes.length === 1
      ? []
      : [
          "cluster_formation.peer_discovery_backend = classic_config",
          ...nodes.map(({ ordinal, host }) => `cluster_formation.classic_config.nodes.${ordinal} = rabbit@${host}`),
        ]),
  ];
}

function mqttLines({ version, listeners, mqtt, nodes }: RabbitmqDefinition, proxyProtocol: boolean): string[] {
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
    "# A classic queue lives on one node: while that is away its client is cut off as soon as it subscribes elsewhere.",
    `mqtt.durable_queue_type = ${nodes === 1 ? "classic" : "quorum"}`,
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
export function connectionsPerNode({ clients, broker }: ClusterDefinition): number {
  return Math.ceil(clients.maxConnections / Math.max(1, broker.nodes - 1));
}
