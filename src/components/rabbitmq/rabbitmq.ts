import type { ClusterDefinition, PasswordAccessDefinition, RabbitmqDefinition } from "../../definition/cluster";
import { INSTANCE_HOST } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { ConfigFile, Port, Process, Workload } from "../../workload";
import type { BrokerInterface } from "../broker-interface";
import { rabbitmqAlerts } from "./alerts";
import {
  advancedConfig,
  connectionsPerNode,
  DISTRIBUTION_PORT,
  EPMD_PORT,
  enabledPlugins,
  METRICS_PORT,
  PATHS,
  rabbitmqConf,
} from "./config";
import { definitionsJson } from "./definitions";
import { memberCheck } from "./member-check";
import { rabbitmqNotes } from "./notes";

export function rabbitmqInterface({ broker, balancer }: ClusterDefinition): BrokerInterface {
  const { tcpPort, wsPort } = broker.listeners;
  return {
    tcpPort,
    ws: wsPort === 0 ? undefined : { port: wsPort, path: "/ws" },
    proxyProtocol: balancer.kind !== "none",
    check: { kind: "mqtt-connect", port: tcpPort },
  };
}

/** RabbitMQ with its MQTT plugin. */
export function rabbitmqWorkload(definition: ClusterDefinition, placement: Placement): Workload {
  const broker = definition.broker as RabbitmqDefinition;
  const brokerInterface = rabbitmqInterface(definition);
  return {
    name: "broker",
    program: "rabbitmq",
    instances: placement.instances("broker"),
    image: `rabbitmq:${broker.version}`,
    files: files(definition, placement, brokerInterface),
    process: rabbitmqProcess(definition, broker),
    ports: ports(brokerInterface),
    data: [{ name: "data", path: PATHS.data }],
    health: {
      probe: { kind: "command", command: ["bash", PATHS.memberCheck, INSTANCE_HOST] },
      intervalSeconds: 5,
      timeoutSeconds: 15,
      retries: 3,
      startPeriodSeconds: 180,
    },
    startsAfter: [],
    // Started together, a node may fail to join the MQTT plugin's Raft group (3.10, 3.11) or form a cluster of its own.
    startOrder: "one-by-one",
    scrape: [{ job: "rabbitmq", port: METRICS_PORT, path: "/metrics" }],
    alerts: rabbitmqAlerts(definition, placement.cluster),
    notes: rabbitmqNotes(broker, definition.balancer),
  };
}

function files(definition: ClusterDefinition, placement: Placement, brokerInterface: BrokerInterface): ConfigFile[] {
  const broker = definition.broker as RabbitmqDefinition;
  const nodes = placement.instances("broker");
  const conf = { broker, cluster: placement.cluster, nodes, proxyProtocol: brokerInterface.proxyProtocol };
  // RabbitMQ reads its files at its start only.
  const file = (path: string, content: string, mode = 0o444): ConfigFile => ({
    path,
    content,
    mode,
    onChange: "restart",
  });
  return [
    file(PATHS.config, rabbitmqConf(conf)),
    file(PATHS.advancedConfig, advancedConfig(broker)),
    file(PATHS.enabledPlugins, enabledPlugins(broker)),
    file(PATHS.definitions, definitionsJson(definition.access as PasswordAccessDefinition), 0o400),
    file(PATHS.memberCheck, memberCheck(nodes, brokerInterface)),
    { ...file(PATHS.cookie, `${broker.nodeCookie}`, 0o400), mustBeOwnedByProgram: true },
  ];
}

function rabbitmqProcess(definition: ClusterDefinition, { memory, cpus }: RabbitmqDefinition): Process {
  // Besides its connections a node keeps files and sockets of queues, one segment per persistent session at worst.
  const openFiles = 2 * connectionsPerNode(definition) + 4096;
  return {
    // Debian's wrapper of the same name, found first there, neither passes signals on nor logs to the console.
    command: ["sh", "-c", 'PATH="/usr/lib/rabbitmq/bin:$PATH"; exec rabbitmq-server'],
    args: [],
    environment: {
      // Erlang looks for its cookie here. Not on the data volume: platforms change the mode of what lies there, and
      // Erlang refuses a cookie that others may read.
      HOME: PATHS.home,
      RABBITMQ_USE_LONGNAME: "true",
      RABBITMQ_NODENAME: `rabbit@${INSTANCE_HOST}`,
      RABBITMQ_CONFIG_FILE: PATHS.config,
      // Also read by default: in the official image a file there lets `guest` in from everywhere.
      RABBITMQ_CONFIG_FILES: `${PATHS.home}/none`,
      RABBITMQ_ADVANCED_CONFIG_FILE: PATHS.advancedConfig,
      RABBITMQ_ENABLED_PLUGINS_FILE: PATHS.enabledPlugins,
      RABBITMQ_MNESIA_BASE: `${PATHS.data}/mnesia`,
      // RabbitMQ's own limit of sockets is 65536.
      ERL_MAX_PORTS: String(Math.max(65536, openFiles)),
    },
    user: "rabbitmq",
    stopSignal: "SIGTERM",
    stopGraceSeconds: 90,
    openFiles,
    memoryMiB: memory === undefined ? undefined : Math.floor(memory / 1024 ** 2),
    cpus,
  };
}

function ports({ tcpPort, ws, proxyProtocol }: BrokerInterface): Port[] {
  // Behind a balancer the listeners insist on its PROXY header, so that nobody else has any use of them.
  const audience = proxyProtocol ? "cluster" : "clients";
  return [
    { name: "mqtt", number: tcpPort, audience, scheme: "mqtt" },
    ...(ws ? ([{ name: "ws", number: ws.port, audience, scheme: "ws", urlPath: ws.path }] as const) : []),
    { name: "metrics", number: METRICS_PORT, audience: "cluster" },
    { name: "epmd", number: EPMD_PORT, audience: "cluster" },
    { name: "distribution", number: DISTRIBUTION_PORT, audience: "cluster" },
  ];
}
