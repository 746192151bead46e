import { isBusinessEmqx } from "../../definition/cross-checks";
import type { HoconObject } from "../../formats/hocon";
import { basicAuth } from "../../formats/references";
import { onlyHost, type Placement } from "../../placement/placement";
import { type AnyRedis, redisServer } from "../redis/server";
import { SESSION_FUNCTION } from "../redis/session-function";
import { WEBDIS_PORT, WEBDIS_USER } from "../webdis/webdis";

/** The events that make up a session: who is connected where, subscribed to what. */
const EVENTS = ["client_connected", "client_disconnected", "session_subscribed", "session_unsubscribed"];

/** Name of connector, action and rule. */
const NAME = "session_copy";

/**
 * The events of one client must arrive in the order in which they happened, which EMQX only promises with one request
 * under way per worker. They wait in memory for as long as the store is away, at most 8 MB in each of a node's workers.
 */
const IN_ORDER = { query_mode: "async", inflight_window: 1, request_ttl: "infinity", max_buffer_bytes: "8MB" };

/** Id of the action in EMQX's metrics. */
export function sessionCopyAction(version: string): string {
  return `${isBusinessEmqx(version) ? "redis" : "http"}:${NAME}`;
}

/** The sections that keep a copy of every session in Redis. */
export function sessionCopyConfig(version: string, store: AnyRedis, placement: Placement): HoconObject {
  const events = EVENTS.map((event) => `"$events/${event}"`).join(", ");
  return {
    ...(isBusinessEmqx(version) ? overRedis(store, placement) : overHttp(store, placement)),
    rule_engine: {
      rules: {
        [NAME]: {
          enable: true,
          description: "Copies sessions to Redis",
          sql: `SELECT * FROM ${events}`,
          actions: [sessionCopyAction(version)],
        },
      },
    },
  };
}

/** Open-source EMQX has no Redis connector, but an HTTP one; Webdis passes the call on to Redis. */
function overHttp(store: AnyRedis, placement: Placement): HoconObject {
  return {
    connectors: {
      http: {
        [NAME]: {
          enable: true,
          url: `http://${onlyHost(placement, "session-writer")}:${WEBDIS_PORT}`,
          // EMQX refuses user and password in the URL.
          headers: {
            authorization: `Basic ${basicAuth(WEBDIS_USER, store.writerPassword)}`,
            "content-type": "application/json",
          },
          // One connection for all events of a client, and one request at a time on it: again for the order.
          pool_type: "hash",
          pool_size: 16,
          enable_pipelining: 1,
        },
      },
    },
    actions: {
      http: {
        [NAME]: {
          enable: true,
          connector: NAME,
          parameters: { method: "put", path: `/FCALL/${SESSION_FUNCTION}/0` },
          resource_opts: IN_ORDER,
        },
      },
    },
  };
}

function overRedis(store: AnyRedis, placement: Placement): HoconObject {
  const { host, port } = redisServer(store, placement);
  return {
    connectors: {
      redis: {
        [NAME]: {
          enable: true,
          parameters: {
            redis_type: "single",
            server: `${host}:${port}`,
            database: 0,
            username: "writer",
            password: `${store.writerPassword}`,
          },
        },
      },
    },
    actions: {
      redis: {
        [NAME]: {
          enable: true,
          connector: NAME,
          parameters: { command_template: ["FCALL", SESSION_FUNCTION, "0", "${.}"] },
          // 6.2 has other defaults here: an error of one event in a batch would be one of all.
          resource_opts: { ...IN_ORDER, batch_size: 1 },
        },
      },
    },
  };
}
