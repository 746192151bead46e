import type { ClusterDefinition, PasswordAccessDefinition, RabbitmqDefinition } from "../../definition/cluster";
import { INSTANCE_HOST } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { ConfigFile, Port, Process, Workload } from "../../workload";
import type { BrokerInterface } from "../broker-interface";
import { openFilesParameter, raiseOpenFiles } from "../open-files";
import { peerFiles } from "../peers";
import { rabbitmqAlerts } from "./alerts";
import {
  advancedConfig,
  connectionsPerNode,
  DISTRIBUTION_PORT,
  EPMD_PORT,
  enabledPlugins,
  METRICS_PORT,
  peersConf,
  type RabbitmqPaths,
  rabbitmqConf,
  rabbitmqPaths,
} from "./config";
import { definitionsJson } from "./definitions";
import { memberCheck } from "./member-check";
import { membershipScript, rabbitmqMembership } from "./membership";
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
  const paths = rabbitmqPaths(placement);
  const process = rabbitmqProcess(definition, placement, paths);
  return {
    name: "broker",
    program: "rabbitmq",
    instances: placement.instances("broker"),
    image: `rabbitmq:${broker.version}`,
    package: {
      name: "rabbitmq-server",
      version: broker.version,
      atLeast: broker.version,
      // The last two start epmd, which a node starts by itself where there is none.
      units: ["rabbitmq-server.service", "epmd.socket", "epmd.service"],
      user: "rabbitmq",
      command: ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
    },
    files: files(definition, placement, paths),
    process,
    ports: ports(brokerInterface),
    data: [{ name: "data", path: paths.data }],
    membership: placement.managesMembers ? rabbitmqMembership(paths, broker.nodes) : undefined,
    kernelParameters: openFilesParameter(process.openFiles),
    health: {
      probe: { kind: "command", command: ["bash", paths.memberCheck, INSTANCE_HOST] },
      intervalSeconds: 5,
      timeoutSeconds: 15,
      retries: 3,
      startPeriodSeconds: 180,
    },
    // Not the listener for clients, which is closed while a node waits for its majority.
    alive: { port: DISTRIBUTION_PORT },
    connectsTo: [{ to: "broker", ports: [METRICS_PORT, EPMD_PORT, DISTRIBUTION_PORT] }],
    startsAfter: [],
    // Started together, a node may fail to join the MQTT plugin's Raft group (3.10, 3.11) or form a cluster of its own.
    startOrder: "one-by-one",
    scrape: [{ job: "rabbitmq", port: METRICS_PORT, path: "/metrics" }],
    alerts: rabbitmqAlerts(definition, placement.cluster),
    notes: rabbitmqNotes(broker, definition.balancer),
  };
}

function files(definition: ClusterDefinition, placement: Placement, paths: RabbitmqPaths): ConfigFile[] {
  const broker = definition.broker as RabbitmqDefinition;
  const brokerInterface = rabbitmqInterface(definition);
  const { cluster, managesMembers } = placement;
  const conf = { broker, cluster, managesMembers, paths, proxyProtocol: brokerInterface.proxyProtocol };
  // RabbitMQ reads its files at its start only.
  const file = (path: string, content: string, mode = 0o444): ConfigFile => ({
    path,
    content,
    mode,
    onChange: "restart",
  });
  return [
    file(paths.config, rabbitmqConf(conf)),
    ...peerFiles(placement, (peers) => ({ ...file(paths.peers, peersConf(peers)), onChange: "nothing" })),
    file(paths.advancedConfig, advancedConfig(broker)),
    file(paths.enabledPlugins, enabledPlugins(broker)),
    file(paths.definitions, definitionsJson(definition.access as PasswordAccessDefinition), 0o400),
    { ...file(paths.memberCheck, memberCheck(paths, brokerInterface)), onChange: "nothing" },
    ...(managesMembers
      ? [{ ...file(paths.membership, membershipScript(brokerInterface)), onChange: "nothing" } as const]
      : []),
    { ...file(paths.cookie, `${broker.nodeCookie}`, 0o400), mustBeOwnedByProgram: true },
  ];
}

function rabbitmqProcess(definition: ClusterDefinition, placement: Placement, paths: RabbitmqPaths): Process {
  const { memory, cpus } = definition.broker;
  // Besides its connections a node keeps files and sockets of queues, one segment per persistent session at worst.
  const connections = connectionsPerNode(definition, placement);
  const openFiles = 2 * connections + 4096;
  return {
    // Debian's wrapper of the same name, found first there, neither passes signals on nor logs to the console.
    command: [
      "sh",
      "-c",
      `${placement.managesMembers ? `${raiseOpenFiles(openFiles)}; ` : ""}PATH="/usr/lib/rabbitmq/bin:$PATH"; exec rabbitmq-server`,
    ],
    args: [],
    environment: {
      // Erlang looks for its cookie here. Not on the data volume: platforms change the mode of what lies there, and
      // Erlang refuses a cookie that others may read.
      HOME: paths.home,
      RABBITMQ_USE_LONGNAME: "true",
      RABBITMQ_NODENAME: `rabbit@${INSTANCE_HOST}`,
      RABBITMQ_CONFIG_FILE: paths.config,
      // Instead of conf.d: in the official image a file there lets `guest` in from everywhere.
      RABBITMQ_CONFIG_FILES: paths.peers,
      RABBITMQ_ADVANCED_CONFIG_FILE: paths.advancedConfig,
      RABBITMQ_ENABLED_PLUGINS_FILE: paths.enabledPlugins,
      RABBITMQ_MNESIA_BASE: `${paths.data}/mnesia`,
      // RabbitMQ's own limit of sockets is 65536.
      ERL_MAX_PORTS: String(Math.max(65536, openFiles)),
      ...(placement.software === "package" && {
        // Not the package's file of settings, nor its folder of logs: without a log of upgrades it refuses to start.
        RABBITMQ_CONF_ENV_FILE: `${paths.home}/none`,
        RABBITMQ_LOG_BASE: `${paths.data}/log`,
      }),
    },
    user: "rabbitmq",
    userId: 999,
    groupId: 999,
    // A log of upgrades, without which it refuses to start.
    writes: placement.software === "image" ? ["/var/log/rabbitmq"] : [],
    stopSignal: "SIGTERM",
    stopGraceSeconds: 90,
    openFiles,
    // A persistent session is a process, a queue and its replicas' logs.
    expectedMemoryMiB: 512 + Math.ceil(connections / 10),
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
