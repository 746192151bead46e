import type { ClusterDefinition, PasswordAccessDefinition } from "../../definition/cluster";
import type { HoconObject } from "../../formats/hocon";
import type { Placement } from "../../placement/placement";
import type { ConfigFile } from "../../workload";
import { redisServer } from "../redis/server";
import { type EmqxPlaces, emqxPlaces } from "./places";

/** Explicit although it is the default: whoever writes hashes into Redis must know how they are made. */
const PASSWORD_HASH = { name: "sha256", salt_position: "prefix" } as const;

/** The sections that say who may connect and what they may do there. */
export function accessConfig(definition: ClusterDefinition, placement: Placement): HoconObject {
  const { access, sessionStore } = definition;
  const { etc } = emqxPlaces(placement);
  // Named again, although these are their names by default: the shipped ones, which allow everything, are never used.
  const aclFile = { type: "file", enable: true, path: `${etc}/acl.conf` };
  if (access.kind === "passwords" || sessionStore.kind === "builtIn") {
    return {
      authentication: [
        {
          mechanism: "password_based",
          backend: "built_in_database",
          enable: true,
          user_id_type: "username",
          password_hash_algorithm: PASSWORD_HASH,
          bootstrap_file: `${etc}/users.csv`,
          bootstrap_type: "plain",
        },
      ],
      authorization: { no_match: "deny", deny_action: "ignore", sources: [aclFile] },
    };
  }
  const { host, port } = redisServer(sessionStore, placement);
  const redis = {
    enable: true,
    redis_type: "single",
    server: `${host}:${port}`,
    database: 0,
    username: "access",
    password: `${sessionStore.accessPassword}`,
  };
  return {
    authentication: [
      {
        mechanism: "password_based",
        backend: "redis",
        ...redis,
        cmd: "HMGET mqtt_user:${username} password_hash salt is_superuser",
        password_hash_algorithm: PASSWORD_HASH,
      },
    ],
    authorization: {
      no_match: "deny",
      deny_action: access.disconnectOnDeny ? "disconnect" : "ignore",
      // In this order: what the file denies, nothing in Redis allows.
      sources: [aclFile, { type: "redis", ...redis, cmd: "HGETALL mqtt_acl:${username}" }],
    },
  };
}

/** The files that `accessConfig` refers to. EMQX reads them when it starts. */
export function accessFiles({ access }: ClusterDefinition, places: Pick<EmqxPlaces, "acl" | "users">): ConfigFile[] {
  const acl = (rules: readonly string[]): ConfigFile => ({
    path: places.acl,
    content: `${rules.join("\n")}\n`,
    mode: 0o444,
    onChange: "restart",
  });
  if (access.kind === "redis") {
    return [acl([DENY_PATTERNS_AS_CLIENT_ID])];
  }
  const users = access.users.map(({ name, password }) => `${name},${password},false`);
  return [
    acl([...access.rules.flatMap((rule) => aclRules(rule)), "{deny, all}."]),
    {
      path: places.users,
      content: `${["user_id,password,is_superuser", ...users].join("\n")}\n`,
      mode: 0o400,
      onChange: "restart",
    },
  ];
}

/**
 * EMQX puts the client's id into a rule's topic and only then reads `+`, `#` and `/` in it. A client that calls itself `+`
 * would thus be allowed `sensors/+/#` by `sensors/${clientid}/#`, which is everybody's.
 */
const SAFE_CLIENT_ID = '{clientid, {re, "^[^+#/]+$"}}';
const DENY_PATTERNS_AS_CLIENT_ID = '{deny, {clientid, {re, "[+#/]"}}, all, all}.';

type Rule = PasswordAccessDefinition["rules"][number];

/** An Erlang term per user and kind of topic: EMQX has no condition "one of these users". */
function aclRules({ users, action, topics }: Rule): string[] {
  const withId = topics.filter((topic) => topic.includes("${clientid}"));
  const without = topics.filter((topic) => !topic.includes("${clientid}"));
  const allow = (conditions: readonly string[], filters: readonly string[]) => {
    const who = conditions.length > 1 ? `{'and', [${conditions.join(", ")}]}` : (conditions[0] ?? "all");
    return filters.length > 0 ? [`{allow, ${who}, ${action}, [${filters.map(erlangString).join(", ")}]}.`] : [];
  };
  return (users ?? [undefined]).flatMap((user) => {
    const who = user === undefined ? [] : [`{username, ${erlangString(user)}}`];
    return [...allow(who, without), ...allow([...who, SAFE_CLIENT_ID], withId)];
  });
}

function erlangString(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
