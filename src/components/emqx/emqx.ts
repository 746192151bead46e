import type { ClusterDefinition } from "../../definition/cluster";
import { isBusinessEmqx } from "../../definition/cross-checks";
import { INSTANCE_HOST } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { Connection, Port, ScrapeEndpoint, Workload, WorkloadName } from "../../workload";
import type { BrokerInterface } from "../broker-interface";
import { openFilesParameter, raiseOpenFiles } from "../open-files";
import { connectionToRedis, startOfRedis } from "../redis/server";
import { WEBDIS_PORT } from "../webdis/webdis";
import { accessFiles } from "./access";
import { emqxAlerts, JOBS } from "./alerts";
import { nodeCapacity } from "./capacity";
import { configFile, type EmqxCluster, isBehindBalancer, seedFiles } from "./config";
import { emqxCustomResource } from "./custom-resource";
import { emqxChart } from "./helm-chart";
import { memberHealth, PAGES } from "./member-health";
import { emqxMembership, membershipScript } from "./membership";
import { emqxNotes } from "./notes";
import { operatorConfig } from "./operator-config";
import { API_PORT, DISTRIBUTION_PORT, emqxPlaces, nodeName, PACKAGED_CONFIG, RPC_PORT, WS_PATH } from "./places";

export function emqxInterface(definition: ClusterDefinition): BrokerInterface {
  const { broker } = definition;
  const { tcpPort, wsPort } = broker.listeners;
  return {
    tcpPort,
    ws: wsPort === 0 ? undefined : { port: wsPort, path: WS_PATH },
    dashboardPort: API_PORT,
    proxyProtocol: isBehindBalancer(definition),
    // Not an MQTT CONNECT: EMQX never answers it behind a PROXY header that says LOCAL, as a balancer's check does. From
    // 5.9 on there is a page that also says when a node is being emptied.
    check: {
      kind: "http",
      port: API_PORT,
      path: isBusinessEmqx(broker.version) ? "/api/v5/load_rebalance/availability_check" : "/status",
    },
  };
}

/** The brokers of a cluster whose broker is EMQX. */
export function emqxWorkload(definition: ClusterDefinition, placement: Placement): Workload {
  if (!isEmqx(definition)) {
    throw new Error("not an EMQX cluster");
  }
  const { broker } = definition;
  const places = emqxPlaces(placement);
  const isPackage = placement.software === "package";
  const { openFiles, connections: clients } = nodeCapacity(definition, placement);
  const maker = placement.brokersMadeBy;
  return {
    name: "broker",
    program: "emqx",
    instances: placement.instances("broker"),
    // `emqx/emqx` without a version, or with 5.9 and later, is under the Business Source License.
    image: `${isBusinessEmqx(broker.version) ? "emqx/emqx-enterprise" : "emqx/emqx"}:${broker.version}`,
    package: {
      name: isBusinessEmqx(broker.version) ? "emqx-enterprise" : "emqx",
      // `ps` is how EMQX's own command finds the node that runs.
      alsoNeeds: ["curl", "procps"],
      version: broker.version,
      atLeast: broker.version,
      units: ["emqx.service"],
      user: "emqx",
      command: ["/bin/bash", "/usr/bin/emqx"],
      // Not a file there: the package makes that folder readable for everybody whenever it is upgraded.
      fixedPaths: { [PACKAGED_CONFIG]: places.config },
    },
    files: [
      ...(maker === "operator"
        ? operatorConfig(definition, placement).files
        : [configFile(definition, placement), ...seedFiles(placement)]),
      ...accessFiles(definition, places),
      ...(hasMembership(placement)
        ? [
            {
              path: places.membership,
              content: membershipScript(definition, placement),
              mode: 0o444,
              onChange: "nothing",
            } as const,
          ]
        : []),
    ],
    process: {
      ...(!isPackage && { entryPoint: ["/usr/bin/docker-entrypoint.sh"] }),
      args: isPackage
        ? ["foreground"]
        : placement.managesMembers
          ? ["sh", "-c", `${raiseOpenFiles(openFiles)}; exec emqx foreground`]
          : ["emqx", "foreground"],
      environment: {
        // A name that is made from an address changes with it, and the node would come back as another one without data.
        // Chart and operator name the nodes themselves, after the hosts of their pods, too.
        ...(maker === "package" && { EMQX_NODE__NAME: nodeName(INSTANCE_HOST) }),
        ...(isPackage && { HOME: places.data, EMQX_LOG_DIR: places.data }),
      },
      user: "emqx",
      userId: 1000,
      groupId: 1000,
      // What it makes of its configuration is with its data. The operator mounts a folder for the logs itself.
      writes: isPackage || maker === "operator" ? [] : ["/opt/emqx/log"],
      stopSignal: "SIGTERM",
      // As in EMQX's own systemd unit.
      stopGraceSeconds: 120,
      openFiles,
      expectedMemoryMiB: 512 + Math.ceil(clients / 32),
      memoryMiB: broker.memory && Math.floor(broker.memory / 1024 ** 2),
      cpus: broker.cpus,
    },
    ports: ports(definition),
    data: [{ name: "data", path: places.data }],
    membership: hasMembership(placement) ? emqxMembership(places, broker.nodes) : undefined,
    kernelParameters: openFilesParameter(openFiles),
    health: memberHealth(placement, places),
    alive: { port: API_PORT, path: "/status" },
    ...(maker === "chart" && { chart: emqxChart(definition, placement) }),
    ...(maker === "operator" && { customResource: emqxCustomResource(definition, placement) }),
    connectsTo: connections(definition),
    startsAfter: startsAfter(definition),
    // Each node looks for the others until it finds them, in whatever order they start.
    startOrder: placement.namesFollowHealth ? "one-by-one" : "together",
    scrape: scrape(definition),
    alerts: emqxAlerts(definition, placement),
    notes: emqxNotes(definition, placement),
  };
}

function isEmqx(definition: ClusterDefinition): definition is EmqxCluster {
  return definition.broker.kind === "emqx";
}

/** Its commands are run from hooks of the pods, which the chart does not know. */
function hasMembership({ managesMembers, brokersMadeBy }: Placement): boolean {
  return managesMembers && brokersMadeBy !== "chart";
}

function ports(definition: EmqxCluster): Port[] {
  const { tcpPort, wsPort, internalPort } = definition.broker.listeners;
  const audience = isBehindBalancer(definition) ? "cluster" : "clients";
  return [
    { name: "mqtt", number: tcpPort, audience, scheme: "mqtt" },
    ...(wsPort === 0 ? [] : [{ name: "ws", number: wsPort, audience, scheme: "ws", urlPath: WS_PATH } as const]),
    ...(internalPort === 0
      ? []
      : [
          { name: "mqtt-internal", number: internalPort, audience: "cluster", isShared: true, scheme: "mqtt" } as const,
        ]),
    {
      name: "dashboard",
      number: API_PORT,
      audience: isBehindBalancer(definition) ? "cluster" : "operators",
      scheme: "http",
    },
    { name: "distribution", number: DISTRIBUTION_PORT, audience: "cluster" },
    { name: "rpc", number: RPC_PORT, audience: "cluster" },
  ];
}

function connections({ access, broker, sessionStore }: EmqxCluster): Connection[] {
  const isDirect = isBusinessEmqx(broker.version) || access.kind === "redis";
  return [
    { to: "broker", ports: [DISTRIBUTION_PORT, RPC_PORT] },
    ...(sessionStore.kind !== "builtIn" && isDirect ? [connectionToRedis(sessionStore)] : []),
    ...(sessionStore.kind !== "builtIn" && !isBusinessEmqx(broker.version)
      ? [{ to: "session-writer", ports: [WEBDIS_PORT] } as const]
      : []),
  ];
}

function startsAfter({ broker, sessionStore }: EmqxCluster): WorkloadName[] {
  if (sessionStore.kind === "builtIn") {
    return [];
  }
  return [...startOfRedis(sessionStore), ...(isBusinessEmqx(broker.version) ? [] : ["session-writer" as const])];
}

function scrape({ access, sessionStore }: EmqxCluster): ScrapeEndpoint[] {
  const endpoint = (page: keyof typeof PAGES) => ({ job: JOBS[page], port: API_PORT, path: PAGES[page] });
  return [
    endpoint("stats"),
    ...(access.kind === "redis" ? [endpoint("access")] : []),
    ...(sessionStore.kind !== "builtIn" ? [endpoint("actions")] : []),
  ];
}
