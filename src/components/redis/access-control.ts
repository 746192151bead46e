import type { RedisDefinition } from "../../definition/cluster";

/** Where EMQX finds the credentials and topic rules of a user, with `Access.redis()`. */
const USER_KEY_PREFIX = "mqtt_user:";
const RULES_KEY_PREFIX = "mqtt_acl:";

/** FCALL, and what the session function does with the keys of sessions: it runs with the rights of its caller. */
export const WRITE_SESSIONS =
  "resetchannels ~mqtt:client:* ~mqtt:sub:* -@all +ping +fcall +hmget +hset +hdel +del +expire +persist";

/** What `Access.redis()` asks. */
export const READ_ACCESS = `resetchannels %R~${USER_KEY_PREFIX}* %R~${RULES_KEY_PREFIX}* -@all +ping +hget +hmget +hgetall`;

/**
 * Redis reads this file at its start, and again with `ACL LOAD`.
 *
 * `default` is who a client is that gives a password and no name. Webdis before 0.1.13 knows no names, so the user cannot
 * be switched off; it is the writer under another name.
 */
export function accessControlFile(redis: RedisDefinition): string {
  return [
    `user default on >${redis.writerPassword} ${WRITE_SESSIONS}`,
    `user writer on >${redis.writerPassword} ${WRITE_SESSIONS}`,
    `user access on >${redis.accessPassword} ${READ_ACCESS}`,
    `user monitor on >${redis.monitorPassword} resetchannels -@all +ping +fcall ` +
      "+info +config|get +client|setname +slowlog|len +slowlog|get +latency|latest +latency|histogram",
    `user admin on >${redis.adminPassword} ~* &* +@all`,
    "",
  ].join("\n");
}
