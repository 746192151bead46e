import type { RedisDefinition } from "../../definition/cluster";
import type { ConfigFile, Instance, Workload } from "../../workload";
import { accessControlFile } from "./access-control";
import {
  ACL_PATH,
  ADMIN_PASSWORD_PATH,
  CONFIG_PATH,
  DATA_PATH,
  HEALTH_PATH,
  LIBRARY_PATH,
  MONITOR_PASSWORD_PATH,
  REDIS_PORT,
  START_PATH,
} from "./paths";
import { MAX_CLIENTS, redisConfig } from "./redis-config";
import { HEALTH_SCRIPT, START_SCRIPT } from "./scripts";
import { SESSION_LUA } from "./session-function";

export interface RedisInput {
  readonly cluster: string;
  readonly instances: readonly Instance[];
}

/** One Redis with the session functions loaded. Stands alone as well, for somebody else's brokers. */
export function redisWorkload(redis: RedisDefinition, input: RedisInput): Workload {
  return {
    name: "session-store",
    program: "redis",
    instances: input.instances,
    image: `redis:${redis.version}-alpine`,
    files: [
      plain(CONFIG_PATH, redisConfig(redis)),
      plain(START_PATH, START_SCRIPT),
      plain(HEALTH_PATH, HEALTH_SCRIPT),
      plain(LIBRARY_PATH, SESSION_LUA),
      secret(ACL_PATH, accessControlFile(redis)),
      secret(ADMIN_PASSWORD_PATH, `${redis.adminPassword}`),
      secret(MONITOR_PASSWORD_PATH, `${redis.monitorPassword}`),
    ],
    process: {
      command: ["/bin/sh", START_PATH],
      args: [],
      environment: {},
      user: "redis",
      stopSignal: "SIGTERM",
      // Redis writes what is not yet on disc before it stops.
      stopGraceSeconds: 30,
      openFiles: 2 * MAX_CLIENTS,
      memoryMiB: processMemoryMiB(redis.memory),
    },
    ports: [{ name: "redis", number: REDIS_PORT, audience: "cluster" }],
    data: [{ name: "data", path: DATA_PATH }],
    health: {
      probe: { kind: "command", command: ["/bin/sh", HEALTH_PATH] },
      intervalSeconds: 5,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 60 + secondsToLoad(redis.memory),
    },
    startsAfter: [],
    startOrder: "together",
    scrape: [],
    alerts: [],
    notes: [
      "Redis holds a copy of the sessions for other programs to read; brokers do not read it back, and queued messages are not in it.",
      "A broker node that dies reports nothing: its clients stay listed as connected to it, with their subscriptions, until they connect again.",
      "There is one Redis without a replica: while it is away brokers keep events in memory, and with Access.redis() nobody can log in.",
      "Set vm.overcommit_memory=1 on the host of Redis, or rewriting its log can fail when memory is short.",
    ],
  };
}

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
