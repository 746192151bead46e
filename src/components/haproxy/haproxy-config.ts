import type { HaproxyDefinition } from "../../definition/cluster";
import { BALANCER_METRICS_PORT } from "../../definition/cross-checks";
import type { Instance } from "../../workload";
import {
  type BalancerInput,
  clientConnections,
  idleTimeout,
  OPERATOR_CONNECTIONS,
  RESERVED_CONNECTIONS,
} from "../balancer-input";
import type { BrokerInterface } from "../broker-interface";
import { checkLines } from "./haproxy-checks";

const IS_CONNECT = "{ req.payload(0,0),mqtt_is_valid }";
const CLIENT_ID = "req.payload(0,0),mqtt_field_value(connect,client_identifier)";
/** tune.bufsize less tune.maxrewrite, at their defaults. */
const FULL_BUFFER = 16384 - 1024;

/**
 * HAProxy uses two files for a connection and refuses to start with fewer than it may need. The rest is for listeners,
 * checks, and the two or three of each thread, of which there are as many as the machine has processors.
 */
export function haproxyOpenFiles(input: BalancerInput): number {
  return 2 * processConnections(input) + 1024;
}

/** Two buffers of 16 KiB for a connection, and some for its state. */
export function haproxyMemoryMiB(input: BalancerInput): number {
  return 64 + Math.ceil((processConnections(input) * 36) / 1024);
}

/**
 * More than all frontends for clients may have together, so that health and metrics still answer when every slot of a
 * client is taken: at its own limit the process accepts nothing on any port.
 */
function processConnections({ brokers, clients }: BalancerInput): number {
  return (brokers.ws ? 2 : 1) * clientConnections(clients) + RESERVED_CONNECTIONS;
}

export function haproxyConfig(balancer: HaproxyDefinition, input: BalancerInput): string {
  const sections = [
    globalSection(balancer, input),
    defaultsSection(input),
    ...(input.resolver ? [resolversSection()] : []),
    mqttFrontend(balancer, input),
    mqttBackend(balancer, input),
    ...webSocketSections(input),
    ...dashboardSections(input),
    metricsFrontend(),
  ];
  return `${sections.map(([head, ...lines]) => [head, ...lines.map((line) => `  ${line}`)].join("\n")).join("\n\n")}\n`;
}

function globalSection({ drainTimeout }: HaproxyDefinition, input: BalancerInput): string[] {
  return [
    "global",
    "log stdout format raw local0 info",
    `maxconn ${processConnections(input)}`,
    // After a reload the old worker keeps its connections, which MQTT clients never close: without an end, workers pile up.
    `hard-stop-after ${drainTimeout}s`,
  ];
}

function defaultsSection({ clients, connectTimeoutMs }: BalancerInput): string[] {
  return [
    "defaults",
    "mode tcp",
    "log global",
    "option tcplog",
    "option dontlognull",
    // A client or a broker that vanished without a word is noticed by TCP, long before the idle timeout.
    "option clitcpka",
    "option srvtcpka",
    // A connection that a broker refuses goes to another one at once, not after three more tries.
    "option redispatch 1",
    `timeout connect ${connectTimeoutMs}ms`,
    "timeout client 60s",
    "timeout server 60s",
    // Takes the place of both once bytes flow unread, that is after the CONNECT.
    `timeout tunnel ${idleTimeout(clients)}s`,
    "timeout client-fin 30s",
    "timeout server-fin 30s",
    // Long enough for a broker that is busy with the clients of a dead one: a shorter check would take it down, too.
    "timeout check 3s",
  ];
}

function resolversSection(): string[] {
  return [
    "resolvers cluster",
    // The servers that programs beside it ask, too; where there is one to follow, it is among them.
    "parse-resolv-conf",
    "accepted_payload_size 8192",
    "timeout resolve 1s",
    "timeout retry 1s",
    "hold valid 5s",
  ];
}

function mqttFrontend({ algorithm }: HaproxyDefinition, { brokers, clients }: BalancerInput): string[] {
  return [
    "frontend mqtt",
    `bind :${brokers.tcpPort}`,
    `maxconn ${clientConnections(clients)}`,
    // Slow mobile links take seconds for their CONNECT; who says nothing for longer is closed.
    "tcp-request inspect-delay 10s",
    // `balance hash` on the payload itself finds nothing: it was forwarded by then.
    ...(algorithm === "clientId" ? [`tcp-request content set-var(sess.cid) ${CLIENT_ID} if ${IS_CONNECT}`] : []),
    `tcp-request content accept if ${IS_CONNECT}`,
    // A CONNECT that fills the whole buffer (a large will or token) cannot be examined: the broker decides. The order
    // matters: asked for its length first, every connection would wait for more bytes until the delay is over.
    `tcp-request content accept if { req.payload(0,1) -m bin 10 } { req.len ge ${FULL_BUFFER} }`,
    "tcp-request content reject",
    "default_backend mqtt-brokers",
  ];
}

function mqttBackend({ algorithm }: HaproxyDefinition, input: BalancerInput): string[] {
  const { brokers, servers } = input;
  return [
    "backend mqtt-brokers",
    ...(algorithm === "clientId"
      ? // Every balancer reckons the same broker for a client id, without telling the others: same ids, same version.
        ["balance hash var(sess.cid)", "hash-type consistent"]
      : ["balance leastconn"]),
    ...checks(brokers),
    // A broker that comes back has no connections, and would get all new ones at once.
    ...(algorithm === "leastConnections" ? ["default-server slowstart 30s"] : []),
    ...defaultServer(input, brokers.proxyProtocol),
    ...(haveNames(servers)
      ? servers.map(({ ordinal, name, host }) => `server ${name} ${host}:${brokers.tcpPort} id ${ordinal}`)
      : [serversFromDns(servers, brokers.tcpPort)]),
  ];
}

function checks(brokers: BrokerInterface): string[] {
  return [
    ...checkLines(brokers),
    // Three failures a second apart: a broker that refuses is out within 4 s, a silent one later by the timeouts of its
    // checks. `shutdown-sessions` cuts the clients of one that hangs.
    `default-server check port ${brokers.check.port} inter 2s fastinter 1s fall 3 rise 2 on-marked-down shutdown-sessions`,
  ];
}

/** Brokers that come and go under new names are behind one that has the addresses of all. */
function haveNames(servers: readonly Instance[]): boolean {
  return new Set(servers.map(({ host }) => host)).size === servers.length;
}

/** As many servers as there are brokers, each of which takes one of the addresses. */
function serversFromDns(servers: readonly Instance[], port: number): string {
  return `server-template broker- ${servers.length} ${servers[0].host}:${port}`;
}

/** MQTT over WebSocket is passed on as it comes, so that the broker sees the client's address the same way. */
function webSocketSections(input: BalancerInput): string[][] {
  const { ws, proxyProtocol } = input.brokers;
  if (!ws) {
    return [];
  }
  return [
    ["frontend ws", `bind :${ws.port}`, `maxconn ${clientConnections(input.clients)}`, "default_backend ws-brokers"],
    ["backend ws-brokers", "balance leastconn", ...trackingServers(input, ws.port, proxyProtocol)],
  ];
}

/** For operators, who stay on one broker: its dashboard knows their login. */
function dashboardSections(input: BalancerInput): string[][] {
  const { dashboardPort } = input.brokers;
  if (!dashboardPort) {
    return [];
  }
  return [
    [
      "frontend dashboard",
      `bind :${dashboardPort}`,
      `maxconn ${OPERATOR_CONNECTIONS}`,
      "default_backend dashboard-brokers",
    ],
    [
      "backend dashboard-brokers",
      "balance source",
      "hash-type consistent",
      ...trackingServers(input, dashboardPort, false),
    ],
  ];
}

/** The same brokers on another port: one check decides for all their ports. */
function trackingServers(input: BalancerInput, port: number, proxyProtocol: boolean): string[] {
  if (!haveNames(input.servers)) {
    // Which server has which address may differ from section to section, so each has checks of its own.
    return [...checks(input.brokers), ...defaultServer(input, proxyProtocol), serversFromDns(input.servers, port)];
  }
  return [
    "default-server on-marked-down shutdown-sessions",
    ...defaultServer(input, proxyProtocol),
    ...input.servers.map(
      ({ ordinal, name, host }) => `server ${name} ${host}:${port} id ${ordinal} track mqtt-brokers/${name}`,
    ),
  ];
}

function defaultServer({ resolver }: BalancerInput, proxyProtocol: boolean): string[] {
  return [
    ...(proxyProtocol ? ["default-server send-proxy-v2"] : []),
    // Without these a name that nobody answers for yet is fatal at the start, and a new address is never learnt.
    ...(resolver ? ["default-server init-addr last,libc,none resolvers cluster resolve-prefer ipv4"] : []),
  ];
}

function metricsFrontend(): string[] {
  return [
    "frontend metrics",
    "mode http",
    `bind :${BALANCER_METRICS_PORT}`,
    "option httplog",
    // Scrapes and probes are no news.
    "option dontlog-normal",
    "timeout http-request 5s",
    "monitor-uri /health",
    "monitor fail if { nbsrv(mqtt-brokers) eq 0 }",
    "http-request use-service prometheus-exporter if { path /metrics }",
    "http-request return status 404",
  ];
}
