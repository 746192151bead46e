import type { ClusterDefinition, EmqxDefinition } from "../../definition/cluster";
import { type HoconObject, printHocon } from "../../formats/hocon";
import type { Placement } from "../../placement/placement";
import type { ConfigFile } from "../../workload";
import { peerFiles } from "../peers";
import { accessConfig } from "./access";
import { nodeCapacity } from "./capacity";
import { API_PORT, emqxPlaces, nodeName, RPC_PORT, WS_PATH } from "./places";
import { sessionCopyConfig } from "./session-copy";

/** A cluster whose broker is EMQX. */
export type EmqxCluster = ClusterDefinition & { readonly broker: EmqxDefinition };

/**
 * All settings stand in emqx.conf, none in base.hocon: a change made in the dashboard overrides base.hocon for ever, and
 * the definition would no longer say what runs; over emqx.conf it lasts until the next start. What people add there
 * (users, rules, connectors of their own) is kept apart from both and stays.
 */
export function configFile(definition: EmqxCluster, placement: Placement): ConfigFile {
  const { config, peers } = emqxPlaces(placement);
  return {
    path: config,
    content: [
      "# Written by cdktf-mqtt-cluster. Changes are lost at the next deployment.",
      ...(hasSeeds(placement) ? [`include "${peers}"`] : []),
      printHocon(emqxConfig(definition, placement)),
    ].join("\n"),
    mode: 0o400,
    onChange: "restart",
    check: ["emqx", "check_config"],
  };
}

/** Where a node looks for others at its start; a file of its own, because nobody must restart for one more of them. */
export function seedFiles(placement: Placement): ConfigFile[] {
  return hasSeeds(placement)
    ? peerFiles(placement, (peers) => ({
        path: emqxPlaces(placement).peers,
        content: printHocon({ cluster: { static: { seeds: peers.map(({ host }) => nodeName(host)) } } }),
        mode: 0o444,
        onChange: "nothing",
      }))
    : [];
}

/** The whole of emqx.conf but for the peers. It replaces the shipped file, without which EMQX has no cookie, data folder and dashboard. */
export function emqxConfig(definition: EmqxCluster, placement: Placement): HoconObject {
  const { broker, sessionStore } = definition;
  return withExtraConfig(broker, {
    node: {
      // The name is in the environment: it differs from node to node, this file does not.
      cookie: `${broker.nodeCookie}`,
      data_dir: emqxPlaces(placement).data,
      max_ports: nodeCapacity(definition, placement).openFiles,
      // With the next but one setting: either alone leaves the cluster hanging on one hung node.
      dist_net_ticktime: `${broker.netTickTime}s`,
    },
    broker: { session_locking_strategy: "local" },
    cluster: {
      name: broker.clusterName,
      autoheal: broker.autoheal,
      autoclean: `${broker.autoclean}s`,
      ...discovery(placement),
    },
    // Packages and the official image differ in their defaults here.
    rpc: { port_discovery: "manual", server_port: RPC_PORT },
    license: broker.license && { key: `${broker.license}` },
    dashboard: {
      listeners: { http: { bind: everywhere(API_PORT) } },
      default_password: `${broker.dashboardPassword}`,
    },
    listeners: listeners(definition, placement),
    mqtt: mqtt(broker),
    retainer: {
      // Larger ones would be delivered, but not retained, and nobody told.
      max_payload_size: bytes(broker.mqtt.maxPacketSize),
      backend: { storage_type: broker.retainedMessagesOnDisc ? "disc" : "ram" },
    },
    ...accessConfig(definition, placement),
    ...(sessionStore.kind !== "builtIn" && sessionCopyConfig(broker.version, sessionStore, placement)),
    // Said because the default turns round in 6.3. The port is for operators and the cluster's own network only.
    prometheus: { enable_basic_auth: false },
    // Otherwise every node reports to its maker once a week.
    telemetry: { enable: false },
  });
}

/** The host's addresses, said in full: from 6.3 on a port alone means loopback. */
export function everywhere(port: number): string {
  return `0.0.0.0:${port}`;
}

function discovery(placement: Placement): HoconObject {
  if (placement.instances("broker").length === 1) {
    return { discovery_strategy: "singleton" };
  }
  return placement.discovery.kind === "dns-srv"
    ? { discovery_strategy: "dns", dns: { name: placement.discovery.name, record_type: "srv" } }
    : { discovery_strategy: "static" };
}

function hasSeeds({ instances, discovery }: Placement): boolean {
  return instances("broker").length > 1 && discovery.kind === "static";
}

/** Four listeners named `default` run unless they are switched off: those for TLS with a certificate known to everybody. */
function listeners(definition: EmqxCluster, placement: Placement): HoconObject {
  const { tcpPort, wsPort, internalPort } = definition.broker.listeners;
  const limit = { max_connections: nodeCapacity(definition, placement).connections };
  const outside = { ...limit, proxy_protocol: isBehindBalancer(definition) };
  return {
    tcp: {
      default: { bind: everywhere(tcpPort), ...outside },
      internal: internalPort === 0 ? undefined : { bind: everywhere(internalPort), ...limit, proxy_protocol: false },
    },
    ws: {
      default:
        wsPort === 0
          ? { enable: false }
          : { bind: everywhere(wsPort), ...outside, websocket: websocket(definition.clients.maxKeepalive) },
    },
    ssl: { default: { enable: false } },
    wss: { default: { enable: false } },
  };
}

/** Only the PROXY protocol tells EMQX a client's own address; without a balancer nobody sends it. */
export function isBehindBalancer({ balancer }: ClusterDefinition): boolean {
  return balancer.kind !== "none";
}

function websocket(maxKeepalive: number): HoconObject {
  return {
    mqtt_path: WS_PATH,
    // No balancer in front writes these headers, so whoever sends them is a client that makes up its address.
    proxy_address_header: "",
    proxy_port_header: "",
    // A client is cut off after one and a half keepalives; a connection must not be before.
    idle_timeout: `${Math.max(7200, Math.ceil(maxKeepalive * 1.5) + 60)}s`,
  };
}

function mqtt({ mqtt }: EmqxDefinition): HoconObject {
  return {
    max_packet_size: bytes(mqtt.maxPacketSize),
    session_expiry_interval: `${mqtt.sessionExpiry}s`,
    max_mqueue_len: mqtt.maxQueuedMessages ?? 1000,
    max_inflight: mqtt.maxInflight,
    max_clientid_len: mqtt.maxClientIdLength ?? 256,
    max_topic_levels: mqtt.maxTopicLevels ?? 32,
  };
}

function bytes(value: number): string | number {
  const unit = [["MB", 1024 ** 2] as const, ["KB", 1024] as const].find(([, size]) => value % size === 0);
  return unit ? `${value / unit[1]}${unit[0]}` : value;
}

function withExtraConfig({ extraConfig }: EmqxDefinition, config: HoconObject): HoconObject {
  const merged = structuredClone(config) as Record<string, HoconObject[string]>;
  for (const [path, value] of Object.entries(extraConfig)) {
    const keys = path.split(".");
    let section = merged;
    for (const key of keys.slice(0, -1)) {
      section[key] ??= {};
      section = section[key] as Record<string, HoconObject[string]>;
    }
    section[keys[keys.length - 1]] = value;
  }
  return merged;
}
