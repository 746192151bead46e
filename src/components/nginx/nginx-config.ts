import { compareVersions } from "compare-versions";
import type { ClientLimits, NginxDefinition } from "../../definition/cluster";
import { BALANCER_METRICS_PORT, LEAST_VERSIONS } from "../../definition/cross-checks";
import type { Placement } from "../../placement/placement";
import {
  type BalancerInput,
  clientConnections,
  idleTimeout,
  OPERATOR_CONNECTIONS,
  RESERVED_CONNECTIONS,
} from "../balancer-input";

/** Where nginx_exporter reads what Prometheus gets. */
export const STATUS_PATH = "/status";

/**
 * Where Prometheus reads from nginx itself, where no exporter could: the one that Debian 12 has (0.11) asks one nginx only,
 * and none finds those that come and go. The name is that of the exporter, so that alerts are the same.
 */
export const METRICS_PATH = "/metrics";
const METRICS = "# TYPE nginx_connections_active gauge\\nnginx_connections_active $connections_active\\n";

export const IMAGE_VERSION = "1.30.4";

export function servesMetrics({ software, podsOf }: Pick<Placement, "software" | "podsOf">): boolean {
  return software === "package" || podsOf("balancer")?.haveLastingNames === false;
}

/** The version that runs at the least: which package a host has shows only there. */
export function leastVersion({ version }: NginxDefinition, { software }: BalancerInput): string {
  return version ?? (software === "image" ? IMAGE_VERSION : LEAST_VERSIONS.nginx);
}

/** Open-source nginx looks names up again while it runs, since `server … resolve` came to it. */
export function followsRestarts(version: string): boolean {
  return compareVersions(version, "1.27.3") >= 0;
}

/**
 * One retransmission of a SYN and its answer, at the least: two attempts that fail take a broker out for `fail_timeout`,
 * and one dropped packet must not count as one.
 */
const LEAST_CONNECT_TIMEOUT_MS = 1200;

/**
 * `worker_connections` of each worker: two for every client, one on either side. The kernel does not share clients out
 * evenly, so each worker could hold them all; an unused connection costs less than half a kilobyte. `limit_conn` keeps
 * clients out of the reserve: a worker without a free connection answers nobody, neither health nor status.
 */
function workerConnections(clients: ClientLimits): number {
  return 2 * clientConnections(clients) + RESERVED_CONNECTIONS;
}

/** One file for each connection, and some for listeners, logs and the channels between workers. */
export function nginxOpenFiles(clients: ClientLimits): number {
  return workerConnections(clients) + 256;
}

/** Two buffers of 16 KiB for a connection that has something in them, which few have at a time. */
export function nginxMemoryMiB(clients: ClientLimits): number {
  return 64 + Math.ceil(workerConnections(clients) / 128);
}

export function nginxConfig(balancer: NginxDefinition, input: BalancerInput): string {
  const follow = followsRestarts(leastVersion(balancer, input));
  return [
    // Debian ships the stream module as a file of its own, which is loaded from here; elsewhere the pattern matches nothing.
    "include /etc/nginx/modules-enabled/*.conf;",
    "daemon off;",
    "worker_processes auto;",
    `worker_rlimit_nofile ${nginxOpenFiles(input.clients)};`,
    // After a reload the old workers keep their connections, which MQTT clients never close: without an end, they pile up.
    `worker_shutdown_timeout ${balancer.drainTimeout}s;`,
    "pid /tmp/nginx.pid;",
    "error_log stderr notice;",
    "",
    ...block("events", [`worker_connections ${workerConnections(input.clients)};`]),
    "",
    ...block("stream", streamLines({ ...input, resolver: follow ? input.resolver : undefined })),
    "",
    ...block("http", httpLines(input)),
    "",
  ].join("\n");
}

function streamLines(input: BalancerInput): string[] {
  const { brokers, clients, resolver } = input;
  const { proxyProtocol } = brokers;
  return [
    // One line for a client that comes and one for its end. An access log would have to be a file: /dev/stdout cannot be
    // opened where it is a socket, as under systemd.
    "error_log stderr info;",
    ...(resolver ? [`resolver ${resolver} valid=5s ipv6=off;`] : []),
    // A broker that refuses or does not answer costs the client a moment: the next one is tried at once.
    `proxy_connect_timeout ${Math.max(input.connectTimeoutMs, LEAST_CONNECT_TIMEOUT_MS)}ms;`,
    "proxy_next_upstream on;",
    `proxy_next_upstream_tries ${input.servers.length};`,
    "proxy_next_upstream_timeout 10s;",
    `proxy_timeout ${idleTimeout(clients)}s;`,
    // A broker that vanished without a word is noticed by TCP, long before the idle timeout.
    "proxy_socket_keepalive on;",
    // Counted over all workers, and clients over both of their ports.
    "limit_conn_zone clients zone=clients:32k;",
    "limit_conn_zone operators zone=operators:32k;",
    "",
    ...balanced(input, { name: "mqtt", port: brokers.tcpPort, audience: "clients", proxyProtocol }),
    // MQTT over WebSocket is passed on as it comes, so that the broker sees the client's address the same way.
    ...(brokers.ws
      ? ["", ...balanced(input, { name: "ws", port: brokers.ws.port, audience: "clients", proxyProtocol })]
      : []),
    // For operators, who stay on one broker: its dashboard knows their login.
    ...(brokers.dashboardPort
      ? ["", ...balanced(input, { name: "dashboard", port: brokers.dashboardPort, audience: "operators" })]
      : []),
  ];
}

interface Listener {
  readonly name: string;
  readonly port: number;
  readonly proxyProtocol?: boolean;
  /** Who connects; operators stay on one broker, chosen by their address. */
  readonly audience: "clients" | "operators";
}

function balanced(
  { clients, servers, resolver }: BalancerInput,
  { name, port, audience, proxyProtocol }: Listener,
): string[] {
  const resolve = resolver ? " resolve" : "";
  return [
    ...block(`upstream ${name}_brokers`, [
      // Shared by all workers: without it each one counts connections and failures for itself.
      `zone ${name}_brokers 256k;`,
      audience === "operators" ? "hash $remote_addr consistent;" : "least_conn;",
      // Brokers that come and go under new names are all behind one.
      ...[...new Set(servers.map(({ host }) => host))].map(
        (host) => `server ${host}:${port} max_fails=2 fail_timeout=10s${resolve};`,
      ),
    ]),
    ...block("server", [
      `listen ${port} so_keepalive=on;`,
      `limit_conn ${audience} ${audience === "operators" ? OPERATOR_CONNECTIONS : clientConnections(clients)};`,
      `proxy_pass ${name}_brokers;`,
      ...(proxyProtocol ? ["proxy_protocol on;"] : []),
    ]),
  ];
}

function httpLines(input: BalancerInput): string[] {
  return [
    "access_log off;",
    // The compiled-in folders belong to root.
    ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((use) => `${use}_temp_path /tmp/nginx-${use};`),
    ...block("server", [
      `listen ${BALANCER_METRICS_PORT};`,
      ...block("location = /health", ["return 200;"]),
      ...block(`location = ${STATUS_PATH}`, ["stub_status;"]),
      ...(servesMetrics(input)
        ? block(`location = ${METRICS_PATH}`, ["default_type text/plain;", `return 200 "${METRICS}";`])
        : []),
      ...block("location /", ["return 404;"]),
    ]),
  ];
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => line && `  ${line}`), "}"];
}
