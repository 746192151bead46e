import type { ExistingRedisDefinition, RedisDefinition } from "../../definition/cluster";
import { onlyHost, type Placement } from "../../placement/placement";
import type { Connection, WorkloadName } from "../../workload";
import { REDIS_PORT } from "./paths";

/** The Redis of the cluster, or one that somebody else runs. */
export type AnyRedis = RedisDefinition | ExistingRedisDefinition;

export interface RedisServer {
  readonly host: string;
  readonly port: number;
}

/** Where brokers and Webdis reach Redis. */
export function redisServer(store: AnyRedis, placement: Placement): RedisServer {
  return store.kind === "redis"
    ? { host: onlyHost(placement, "session-store"), port: REDIS_PORT }
    : { host: store.host, port: store.port };
}

export function connectionToRedis(store: AnyRedis): Connection {
  return store.kind === "redis"
    ? { to: "session-store", ports: [REDIS_PORT] }
    : { toHost: store.host, port: store.port };
}

/** Whom to wait for before Redis can be asked; nobody where it runs already. */
export function startOfRedis(store: AnyRedis): WorkloadName[] {
  return store.kind === "redis" ? ["session-store"] : [];
}
