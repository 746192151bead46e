import type { RedisDefinition } from "../../definition/cluster";
import { LEAST_VERSIONS } from "../../definition/cross-checks";
import type { Placement } from "../../placement/placement";
import type { ConfigFile, Instance, Workload } from "../../workload";
import { accessControlFile } from "./access-control";
import { REDIS_PORT, redisPaths } from "./paths";
import { MAX_CLIENTS, redisConfig } from "./redis-config";
import { healthScript, startScript } from "./scripts";
import { SESSION_LUA } from "./session-function";

const IMAGE_VERSION = "7.2.16";

export interface RedisInput extends Pick<Placement, "software" | "folder"> {
  readonly instances: readonly Instance[];
}

/** One Redis with the session functions loaded. Stands alone as well, for somebody else's brokers. */
export function redisWorkload(redis: RedisDefinition, input: RedisInput): Workload {
  const paths = redisPaths(input);
  return {
    name: "session-store",
    program: "redis",
    instances: input.instances,
    image: `redis:${redis.version ?? IMAGE_VERSION}-alpine`,
    package: {
      name: "redis-server",
      version: redis.version,
      atLeast: LEAST_VERSIONS.redis,
      units: ["redis-server.service"],
      user: "redis",
    },
    files: [
      plain(paths.config, redisConfig(redis, paths)),
      plain(paths.start, startScript(paths)),
      plain(paths.health, healthScript(paths)),
      plain(paths.library, SESSION_LUA),
      secret(paths.users, accessControlFile(redis)),
      secret(paths.adminPassword, `${redis.adminPassword}`),
      secret(paths.monitorPassword, `${redis.monitorPassword}`),
    ],
    process: {
      command: ["/bin/sh", paths.start],
      args: [],
      environment: {},
      user: "redis",
      stopSignal: "SIGTERM",
      // Redis writes what is not yet on disc before it stops.
      stopGraceSeconds: 30,
      openFiles: 2 * MAX_CLIENTS,
      userId: 999,
      groupId: 1000,
      memoryMiB: processMemoryMiB(redis.memory),
      expectedMemoryMiB: processMemoryMiB(redis.memory),
    },
    ports: [{ name: "redis", number: REDIS_PORT, audience: "cluster", isShared: true }],
    data: [{ name: "data", path: paths.data }],
    kernelParameters: [{ name: OVERCOMMIT, value: "1" }],
    health: {
      probe: { kind: "command", command: ["/bin/sh", paths.health] },
      intervalSeconds: 5,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 60 + secondsToLoad(redis.memory),
    },
    alive: { port: REDIS_PORT },
    connectsTo: [],
    startsAfter: [],
    startOrder: "together",
    scrape: [],
    alerts: [],
    notes: [
      "Redis holds a copy of the sessions for other programs to read; brokers do not read it back, and queued messages are not in it.",
      "A broker node that dies reports nothing: its clients stay listed as connected to it, with their subscriptions, until they connect again.",
      "There is one Redis without a replica: while it is away brokers keep events in memory, and with Access.redis() nobody can log in.",
      ...(input.software === "image"
        ? [`Set ${OVERCOMMIT}=1 on the host of Redis, or rewriting its log can fail when memory is short.`]
        : []),
    ],
  };
}

/** Redis forks to rewrite its log, and the kernel would want memory for a second copy of everything. */
const OVERCOMMIT = "vm.overcommit_memory";

function plain(path: string, content: string): ConfigFile {
  return { path, content, mode: 0o444, onChange: "restart" };
}

function secret(path: string, content: string): ConfigFile {
  return { path, content, mode: 0o400, onChange: "restart" };
}

/** A third more for fragmentation, buffers and the pages that change while the log is rewritten, and the program itself. */
function processMemoryMiB(maxmemory: number): number {
  return Math.ceil((maxmemory / 1024 ** 2) * (4 / 3)) + 32;
}

/**
 * Memory that Redis fills again in a second from its log. Sessions like ours came back at 39 MB/s from a log of single
 * commands and at 170 MB/s from a rewritten one; half of the slower is for a slow disc and a busy processor.
 */
const LOADED_PER_SECOND = 20 * 1024 ** 2;

function secondsToLoad(maxmemory: number): number {
  return Math.ceil(maxmemory / LOADED_PER_SECOND);
}
