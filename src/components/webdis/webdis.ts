import type { Placement } from "../../placement/placement";
import type { Instance, Workload } from "../../workload";
import { type AnyRedis, connectionToRedis, type RedisServer, startOfRedis } from "../redis/server";

export const WEBDIS_PORT = 7379;

/** Who may call the session function over HTTP; the password is the writer's. */
export const WEBDIS_USER = "emqx";

export interface WebdisInput extends Pick<Placement, "folder"> {
  readonly instances: readonly Instance[];
  readonly server: RedisServer;
}

/**
 * The door by which events of brokers reach Redis: open-source EMQX speaks HTTP to other programs, and no Redis.
 *
 * Webdis spreads requests over several connections to Redis, so their order holds only if the caller waits for each
 * answer before it sends the client's next event.
 */
export function webdisWorkload(redis: AnyRedis, input: WebdisInput): Workload {
  const configPath = `${input.folder("session-writer", "configuration", "/etc/webdis")}/webdis.json`;
  return {
    name: "session-writer",
    program: "webdis",
    instances: input.instances,
    image: "nicolas/webdis:0.1.22",
    package: {
      name: "webdis",
      alsoNeeds: ["wget"],
      // Whose user "default" is somebody else's, there Webdis must give the user's name: known from 0.1.13 on.
      atLeast: redis.kind === "existingRedis" ? "0.1.13" : "0.1.9",
      units: ["webdis.service"],
      user: "webdis",
      command: ["/usr/bin/webdis"],
    },
    files: [{ path: configPath, content: webdisConfig(redis, input.server), mode: 0o400, onChange: "restart" }],
    process: {
      command: ["webdis"],
      args: [configPath],
      environment: {},
      user: "nobody",
      stopSignal: "SIGTERM",
      stopGraceSeconds: 10,
      openFiles: 4096,
      userId: 65534,
      groupId: 65534,
      memoryMiB: 128,
      expectedMemoryMiB: 128,
    },
    ports: [{ name: "http", number: WEBDIS_PORT, audience: "cluster" }],
    data: [],
    health: {
      // An error of Redis has status 200 here, so that only the answer itself proves that Redis let Webdis in.
      probe: {
        kind: "command",
        command: ["/bin/sh", "-c", `wget -q -O - http://127.0.0.1:${WEBDIS_PORT}/PING.txt | grep -q PONG`],
      },
      intervalSeconds: 5,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 15,
    },
    alive: { port: WEBDIS_PORT },
    connectsTo: [connectionToRedis(redis)],
    startsAfter: startOfRedis(redis),
    startOrder: "together",
    scrape: [],
    alerts: [],
    notes: ["Session events travel to Redis over plain HTTP: keep the cluster's own network to itself."],
  };
}

function webdisConfig(redis: AnyRedis, server: RedisServer): string {
  const config = {
    redis_host: server.host,
    redis_port: server.port,
    // In a Redis of our own a password without a user name, that of the user "default": Webdis before 0.1.13 ignores the
    // pair of both.
    redis_auth: redis.kind === "redis" ? `${redis.writerPassword}` : ["writer", `${redis.writerPassword}`],
    database: 0,
    http_host: "0.0.0.0",
    http_port: WEBDIS_PORT,
    // No http_max_request_size: a body beyond it, 128 MB by default, does not protect Webdis but crashes it.
    threads: 2,
    pool_size: 4,
    websockets: false,
    daemonize: false,
    // Later entries win. FCALL means the session function only: Redis' own access control allows no other.
    acl: [
      { disabled: ["*"] },
      { http_basic_auth: `${WEBDIS_USER}:${redis.writerPassword}`, enabled: ["FCALL"] },
      { ip: "127.0.0.1", enabled: ["PING"] },
    ],
    verbosity: 3,
    logfile: "/dev/stderr",
    // Notices a Redis host that vanished; known from 0.1.22 on.
    hiredis: { keep_alive_sec: 15 },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
