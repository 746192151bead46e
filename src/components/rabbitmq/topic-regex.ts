import type { TopicAction } from "../../definition/access";

/** Matches nothing. An empty pattern is no pattern to RabbitMQ's eyes but the empty text, and a missing one allows all. */
export const NOTHING = "(?!)";

/**
 * The regular expression by which RabbitMQ tells whether a topic (publish) or a topic filter (subscribe) lies within an
 * MQTT topic filter.
 *
 * RabbitMQ matches it against the routing key: the topic with `.` for `/`, and in a subscription also `*` for `+`. So
 *  - `+` must not match `#`: else the right to `a/+` would also be the right to subscribe to `a/#`;
 *  - the end is `\z`: `$` would also match before a line feed at the end, and RabbitMQ itself puts no anchors;
 *  - a wildcard at the beginning does not match topics that begin with `$`, as MQTT has it.
 *
 * @param username Name of the user, for `${username}`.
 */
export function mqttFilterToRegex(filter: string, username: string): string {
  const levels = filter.split("/");
  const openEnd = levels.at(-1) === "#";
  const closed = openEnd ? levels.slice(0, -1) : levels;
  const start = /^[+#]/.test(filter) ? "^(?!\\$)" : "^";
  if (closed.length === 0) {
    return start;
  }
  const path = closed.map((level) => (level === "+" ? "[^.#]*" : literalLevel(level, username))).join("\\.");
  // `a/#` is also the right to `a` itself.
  return `${start}${path}${openEnd ? "(?:\\.|\\z)" : "\\z"}`;
}

/** One pattern for several filters. */
export function mqttFiltersToRegex(filters: readonly string[], username: string): string {
  return filters.length === 0 ? NOTHING : filters.map((filter) => mqttFilterToRegex(filter, username)).join("|");
}

export interface TopicRule {
  /** Everybody, when not given. */
  readonly users?: readonly (string | undefined)[] | undefined;
  readonly action: TopicAction;
  readonly topics: readonly string[];
}

/** One pattern for all that a user may publish, or subscribe to. */
export function topicPattern(rules: readonly TopicRule[], user: string, action: Exclude<TopicAction, "all">): string {
  const filters = rules
    .filter((rule) => (rule.users ?? [user]).includes(user))
    .filter((rule) => rule.action === action || rule.action === "all")
    .flatMap(({ topics }) => topics);
  return mqttFiltersToRegex(filters, user);
}

/** RabbitMQ replaces `{client_id}` by the client's id, and escapes it (cross-checks.ts knows from which version on). */
function literalLevel(level: string, username: string): string {
  return level
    .split(/(\$\{(?:username|clientid)\})/)
    .map((part) => (part === "${clientid}" ? "{client_id}" : escapeRegex(part === "${username}" ? username : part)))
    .join("");
}

export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}
