import * as v from "valibot";
import { Secret } from "./secret";
import { hostName, options, port, secret, size, version } from "./values";

/** What `SessionStore.redis()` accepts. */
export interface RedisProps {
  /**
   * Version of Redis, 7.0 or later (functions appeared in 7.0; 7.2 is the last line under a BSD licence).
   * @default - 7.2.16 as image; as package, what the host's distribution has
   */
  readonly version?: string;
  /**
   * Memory for data (`maxmemory`); the process may use a third more: "64MB" to "512GB". About 1 KB a session.
   * @default "256MB"
   */
  readonly memory?: string;
  /**
   * Password of the Redis user that writes sessions.
   * @default - Secret.variable("<cluster>_redis_writer_password")
   */
  readonly writerPassword?: Secret;
  /**
   * Password of the Redis user that brokers read credentials and topic rules with (`Access.redis()`).
   * @default - Secret.variable("<cluster>_redis_access_password")
   */
  readonly accessPassword?: Secret;
  /**
   * Password of the Redis user `admin`, for people.
   * @default - Secret.variable("<cluster>_redis_admin_password")
   */
  readonly adminPassword?: Secret;
  /**
   * Password of the Redis user that health checks and the metrics exporter use; it can read no key.
   * @default - Secret.variable("<cluster>_redis_monitor_password")
   */
  readonly monitorPassword?: Secret;
}

/** What `SessionStore.existingRedis()` accepts. */
export interface ExistingRedisProps {
  /** Its host name or address, as brokers reach it: `redis.example.com`. */
  readonly host: string;
  /** @default 6379 */
  readonly port?: number;
  /**
   * Password of its user `writer`, who writes sessions.
   * @default - Secret.variable("<cluster>_redis_writer_password")
   */
  readonly writerPassword?: Secret;
  /**
   * Password of its user `access`, as whom brokers read credentials and topic rules (`Access.redis()`).
   * @default - Secret.variable("<cluster>_redis_access_password")
   */
  readonly accessPassword?: Secret;
}

type SessionStoreKind = "builtIn" | "redis" | "existingRedis";
type SessionStoreProps = RedisProps | ExistingRedisProps;

/** Where sessions are kept, besides the memory of the broker that serves the client. */
export class SessionStore {
  /** Nothing beside the broker itself. */
  public static builtIn(): SessionStore {
    return new SessionStore("builtIn", {});
  }

  /**
   * Redis holds a live copy of every session: which client is connected to which node, since when, subscribed to what.
   * It is a copy for other programs to read: EMQX does not read it back, and queued messages are not in it.
   */
  public static redis(props: RedisProps = {}): SessionStore {
    return new SessionStore("redis", props);
  }

  /**
   * The same copy, in a Redis that somebody else runs and watches: version 7.0 or later, without TLS, no Redis cluster. It
   * needs two users and a library of functions, which the script of `ExistingRedis.setupScript()` puts there.
   */
  public static existingRedis(props: ExistingRedisProps): SessionStore {
    return new SessionStore("existingRedis", props);
  }

  /** @internal */
  public readonly _kind: SessionStoreKind;
  /** @internal */
  public readonly _props: SessionStoreProps;

  private constructor(kind: SessionStoreKind, props: SessionStoreProps) {
    this._kind = kind;
    this._props = props;
  }
}

export const builtInSchema = options({});

export const redisSchema = options({
  version: v.optional(version),
  memory: v.optional(size("64MB", "512GB"), "256MB"),
  writerPassword: v.optional(secret),
  accessPassword: v.optional(secret),
  adminPassword: v.optional(secret),
  monitorPassword: v.optional(secret),
});

export const existingRedisSchema = options({
  host: v.pipe(
    hostName,
    v.check(
      (host) => !/^(?:localhost$|127\.|0\.0\.0\.0$)/i.test(host),
      "would be the broker itself: give the address under which other machines reach this Redis",
    ),
  ),
  port: v.optional(port, 6379),
  writerPassword: v.optional(secret),
  accessPassword: v.optional(secret),
});

/** Those of the users that brokers have. */
export function existingRedisSecrets(name: string) {
  return {
    writerPassword: namedSecret(name, "redis_writer_password"),
    accessPassword: namedSecret(name, "redis_access_password"),
  };
}

/** Secrets that nobody named are named after the cluster, so that two clusters of one stack never share one. */
export function redisSecrets(name: string) {
  return {
    ...existingRedisSecrets(name),
    adminPassword: namedSecret(name, "redis_admin_password"),
    monitorPassword: namedSecret(name, "redis_monitor_password"),
  };
}

export function namedSecret(cluster: string, what: string): Secret {
  return Secret.variable(`${cluster.replaceAll("-", "_")}_${what}`);
}
