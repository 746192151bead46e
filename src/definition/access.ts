import * as v from "valibot";
import type { Secret } from "./secret";
import { flag, oneOf, options, secret, userName } from "./values";

/** What a user may do with a topic. */
export type TopicAction = "publish" | "subscribe" | "all";

/** An MQTT user. */
export interface MqttUserProps {
  /** Letters, digits and `._@-` inside, at most 64 characters. */
  readonly name: string;
  /** The user's password, by name. */
  readonly password: Secret;
}

/** Allows users something; what no rule allows is refused. */
export interface TopicRuleProps {
  /**
   * Names of the users it holds for, out of `users`.
   * @default - every user
   */
  readonly users?: string[];
  /** "publish", "subscribe" or "all" (both). */
  readonly action: TopicAction;
  /** Topic filters, with `+`, `#`, and `${username}` or `${clientid}` standing for the client's own. */
  readonly topics: string[];
}

/** What `Access.passwords()` accepts. */
export interface PasswordAccessProps {
  /** The users; at least one. */
  readonly users: MqttUserProps[];
  /** What they may do; at least one rule. Everything else is refused. */
  readonly rules: TopicRuleProps[];
}

/** What `Access.redis()` accepts. */
export interface RedisAccessProps {
  /**
   * Cut a client off that is refused a topic, instead of only refusing.
   * @default false
   */
  readonly disconnectOnDeny?: boolean;
}

/** Who may connect and who may publish or subscribe where. Anonymous clients are always refused. */
export class Access {
  /**
   * Users and topic rules written into the brokers. EMQX takes a user over at a node's start when it does not exist yet:
   * a password changed later is changed with its dashboard or API.
   */
  public static passwords(props: PasswordAccessProps): Access {
    return new Access("passwords", props);
  }

  /**
   * Credentials and topic rules live in the Redis of `SessionStore.redis()`, where they can change at any time:
   * hashes `mqtt_user:<name>` (`password_hash`, `salt`, `is_superuser`) and `mqtt_acl:<name>` (topic → action). EMQX only.
   */
  public static redis(props: RedisAccessProps = {}): Access {
    return new Access("redis", props);
  }

  /** @internal */
  public readonly _kind: "passwords" | "redis";
  /** @internal */
  public readonly _props: PasswordAccessProps | RedisAccessProps;

  private constructor(kind: "passwords" | "redis", props: PasswordAccessProps | RedisAccessProps) {
    this._kind = kind;
    this._props = props;
  }
}

const PLACEHOLDER = /\$\{(?:username|clientid)\}/g;

/** `+` and `#` only as whole levels, `#` only last; no character that ends a string in a configuration file. */
function isTopicFilter(text: string): boolean {
  const levels = text.replace(PLACEHOLDER, "x").split("/");
  return (
    text.length > 0 &&
    text.length <= 512 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be refused
    !/[\u0000-\u001f\u007f"'\\`{}<>\p{Cs}]/u.test(levels.join("/")) &&
    levels.every((level, i) => (level === "#" ? i === levels.length - 1 : level === "+" || !/[+#]/.test(level)))
  );
}

const topic = v.pipe(
  v.string("must be a topic filter as text"),
  v.check(
    isTopicFilter,
    "must be an MQTT topic filter: + and # stand for whole levels, # only at the end; ${username} and ${clientid} are the " +
      "only placeholders; no quotes, backslashes, braces, angle brackets or control characters",
  ),
);

const list = <S extends v.GenericSchema>(item: S, what: string, example: string) => {
  const message = `must be a list of ${what}, at least one: [${example}]`;
  return v.pipe(v.array(item, message), v.minLength(1, message));
};

export const passwordsSchema = options({
  users: list(
    options({ name: userName, password: secret }),
    "users",
    '{ name: "sensors", password: Secret.variable("sensors_password") }',
  ),
  rules: list(
    options({
      users: v.optional(list(userName, "user names", '"sensors"')),
      action: oneOf(["publish", "subscribe", "all"]),
      topics: list(topic, "topic filters", '"sensors/#"'),
    }),
    "rules",
    '{ users: ["sensors"], action: "publish", topics: ["sensors/#"] }',
  ),
});

export const redisAccessSchema = options({ disconnectOnDeny: v.optional(flag, false) });
