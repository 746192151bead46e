import type { PasswordAccessDefinition } from "../../definition/cluster";
import { NOTHING, topicPattern } from "./topic-regex";

/**
 * The user of the instance's own health check. Its password is public, but RabbitMQ lets it in from the instance itself
 * only (`loopback_users`), and it may do nothing there. A definition cannot take the name: its user names begin with a
 * letter or digit.
 */
export const HEALTH_USER = "_health";

const VHOST = "/";
/** Where the MQTT plugin publishes to and binds its queues. */
const EXCHANGE = "amq.topic";
/** Queues of a client's subscriptions, and (4.0 and later) of its delayed will. */
const MQTT_QUEUES = "mqtt-(?:subscription|will)-.*";

/**
 * Users and permissions, which RabbitMQ imports at every start: a changed password or rule comes into force by a restart.
 * An import adds and changes; it never removes.
 */
export function definitionsJson(access: PasswordAccessDefinition): string {
  const users = access.users.map(({ name, password }) => ({ name, password: `${password}`, tags: "" }));
  return `${JSON.stringify(
    {
      // With definitions to load RabbitMQ creates neither its default user `guest` nor its default virtual host.
      vhosts: [{ name: VHOST }],
      users: [...users, { name: HEALTH_USER, password: HEALTH_USER, tags: "" }],
      permissions: [
        ...users.map(({ name }) => ({
          user: name,
          vhost: VHOST,
          configure: `^${MQTT_QUEUES}\\z`,
          write: `^(?:amq\\.topic|${MQTT_QUEUES})\\z`,
          read: `^(?:amq\\.topic|${MQTT_QUEUES})\\z`,
        })),
        { user: HEALTH_USER, vhost: VHOST, configure: NOTHING, write: NOTHING, read: NOTHING },
      ],
      // A user without a topic permission may use every topic: everybody gets one.
      topic_permissions: [
        ...users.map(({ name }) => ({
          user: name,
          vhost: VHOST,
          exchange: EXCHANGE,
          write: topicPattern(access.rules, name, "publish"),
          read: topicPattern(access.rules, name, "subscribe"),
        })),
        { user: HEALTH_USER, vhost: VHOST, exchange: EXCHANGE, write: NOTHING, read: NOTHING },
      ],
    },
    undefined,
    2,
  )}\n`;
}
