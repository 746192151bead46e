import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Access, Broker, ExistingRedis, Monitoring, Secret, SessionStore } from "../../../src";
import { clusterDemands, clusterWorkloads } from "../../../src/components/cluster-workloads";
import { READ_ACCESS, WRITE_SESSIONS } from "../../../src/components/redis/access-control";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { fullDefinition, testPlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, temporaryFolder, writeFile } from "../../support/programs";
import { until } from "../../support/servers";
import { Running } from "./real-redis";

const STORE = SessionStore.existingRedis({ host: "redis.example.com", port: 6380 });
const SERVER = { toHost: "redis.example.com", port: 6380 };
const BUSINESS = Broker.emqx({ version: "5.10.4", license: Secret.variable("emqx_license") });

function clusterOf(props: Partial<ClusterDefinitionProps>) {
  const definition = fullDefinition({ sessionStore: STORE, ...props });
  const workloads = clusterWorkloads(definition, testPlacement());
  const named = (name: string) => workloads.find((workload) => workload.name === name)!;
  const { content } = named("broker").files.find(({ path }) => path.endsWith("emqx.conf"))!;
  return { definition, named, conf: content, names: workloads.map(({ name }) => name) };
}

describe("in the workloads", () => {
  test("neither Redis nor its exporter is there, whoever watches the cluster", () => {
    for (const monitoring of [Monitoring.prometheus(), Monitoring.prometheusOperator(), Monitoring.none()]) {
      const { definition, names } = clusterOf({ monitoring });
      expect(names).not.toContain("session-store");
      expect(names).not.toContain("session-store-exporter");
      expect(names).toContain("session-writer");
      expect(
        clusterDemands(definition)
          .map(({ workload }) => workload)
          .sort(),
      ).toEqual([...names].sort());
    }
  });

  test("open-source EMQX reaches it through Webdis, and itself only to ask who may connect", () => {
    const { named, conf } = clusterOf({});
    expect(named("session-writer")).toMatchObject({ connectsTo: [SERVER], startsAfter: [] });
    expect(named("broker")).toMatchObject({ startsAfter: ["session-writer"] });
    expect(named("broker").connectsTo).not.toContainEqual(SERVER);
    expect(conf).not.toContain("redis.example.com");
    const asking = clusterOf({ access: Access.redis() });
    expect(asking.named("broker").connectsTo).toContainEqual(SERVER);
    expect(asking.conf.match(/server = "redis.example.com:6380"/g)).toHaveLength(2);
    expect(asking.conf).toContain("<<secret:variable:dev_mqtt_redis_access_password>>");
  });

  test("later EMQX writes to it itself, and waits for nobody", () => {
    const { named, conf, names } = clusterOf({ broker: BUSINESS });
    expect(names).not.toContain("session-writer");
    expect(named("broker")).toMatchObject({ startsAfter: [] });
    expect(named("broker").connectsTo).toContainEqual(SERVER);
    expect(conf).toContain('server = "redis.example.com:6380"');
    expect(conf).toContain("<<secret:variable:dev_mqtt_redis_writer_password>>");
  });

  test("what brokers notice of it is watched, and the rest is said to be somebody else's", () => {
    const { named } = clusterOf({ access: Access.redis() });
    const { alerts, scrape, notes } = named("broker");
    expect(alerts.map(({ alert }) => alert)).toEqual(
      expect.arrayContaining(["EmqxAccessStoreUnreachable", "EmqxSessionCopyIncomplete"]),
    );
    expect(scrape.map(({ job }) => job)).toEqual(["emqx", "emqx-access", "emqx-actions"]);
    expect(notes.filter((note) => note.includes("redis.example.com:6380"))).toEqual([
      expect.stringContaining("ExistingRedis.setupScript()"),
    ]);
  });
});

test("the page says what the script does", () => {
  const page = readFileSync(join(__dirname, "../../../docs/session-copy.md"), "utf8");
  expect(page).toContain(`\`${WRITE_SESSIONS}\``);
  expect(page).toContain(`\`${READ_ACCESS}\``);
});

describeWithPrograms(["redis-server", "redis-cli"], "the script for a Redis that somebody else runs", () => {
  const folder = temporaryFolder();
  const port = freePort();
  const users = join(folder, "users.acl");
  const script = writeFile(folder, "setup.sh", ExistingRedis.setupScript());
  const PASSWORDS = { WRITER_PASSWORD: "a writer's $1~ 'x'", ACCESS_PASSWORD: 'an "access" \\ password' };
  let redis: Running;

  const cli = (user: string, password: string, ...args: string[]) => {
    const { stdout, stderr } = spawnSync(
      "redis-cli",
      ["-e", "--no-auth-warning", "--user", user, "-p", `${port}`, "--json", ...args],
      { encoding: "utf8", env: { ...process.env, REDISCLI_AUTH: password } },
    );
    return stdout.trim() ? JSON.parse(stdout) : stderr.trim();
  };
  const admin = (...args: string[]) => cli("default", "the admin's", ...args);
  const setup = (environment: Record<string, string>, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync("sh", [script, "-p", `${port}`, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, REDISCLI_AUTH: "the admin's", ...environment },
    });
    return { status, stdout, stderr };
  };
  const start = async (...args: string[]) => {
    redis = new Running("redis-server", ["--port", `${port}`, "--dir", folder, "--save", "", ...args]);
    await until("Redis answers", async () => /PONG|NOAUTH/.test(String(cli("default", "the admin's", "PING"))));
  };
  const event = (more: object = {}) =>
    JSON.stringify({
      event: "client.connected",
      clientid: "c",
      node: "n1",
      connected_at: 1,
      clean_start: true,
      ...more,
    });

  beforeAll(async () => {
    await start("--requirepass", "the admin's");
  });
  afterAll(() => redis.end("SIGKILL"));

  test("does nothing without both passwords", () => {
    for (const missing of ["WRITER_PASSWORD", "ACCESS_PASSWORD"]) {
      const { status, stderr } = setup({ ...PASSWORDS, [missing]: "" });
      expect({ status: status !== 0, stderr }).toEqual({ status: true, stderr: expect.stringContaining(missing) });
    }
    expect(admin("ACL", "USERS")).toEqual(["default"]);
  });

  test("ends with an error when Redis does not let it in", () => {
    expect(setup({ ...PASSWORDS, REDISCLI_AUTH: "wrong" }).status).not.toBe(0);
  });

  test("makes the users that brokers have, with any password, and says that they are not kept", () => {
    expect(setup(PASSWORDS)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("Redis has no file of users: these are gone when it restarts"),
    });
    expect(admin("ACL", "USERS").sort()).toEqual(["access", "default", "writer"]);
    expect(cli("writer", PASSWORDS.WRITER_PASSWORD, "FCALL", "session_event", "0", event())).toBe(1);
    expect(admin("HGET", "mqtt:client:c", "state")).toBe("connected");
    admin("HSET", "mqtt_user:u", "password_hash", "h");
    expect(cli("access", PASSWORDS.ACCESS_PASSWORD, "HMGET", "mqtt_user:u", "password_hash")).toEqual(["h"]);
  });

  test("which may do nothing else", () => {
    for (const command of ["GET other", "HGETALL mqtt_user:u", "FUNCTION FLUSH", "KEYS *", "PUBLISH a b"]) {
      expect(cli("writer", PASSWORDS.WRITER_PASSWORD, ...command.split(" "))).toMatch(/^NOPERM/);
    }
    for (const command of ["HGETALL mqtt:client:c", "HSET mqtt_user:u is_superuser 1", "FCALL session_ready 0"]) {
      expect(cli("access", PASSWORDS.ACCESS_PASSWORD, ...command.split(" "))).toMatch(/^NOPERM/);
    }
  });

  test("run again, it gives them other passwords and keeps the data", () => {
    expect(setup({ WRITER_PASSWORD: "another", ACCESS_PASSWORD: "other" }).status).toBe(0);
    expect(cli("writer", PASSWORDS.WRITER_PASSWORD, "PING")).toMatch(/WRONGPASS|NOAUTH/);
    expect(cli("writer", "another", "FCALL", "session_event", "0", event({ connected_at: 2 }))).toBe(1);
    expect(admin("HGET", "mqtt:client:c", "connected_at")).toBe("2");
  });

  test("no password is in its text or on a command line", () => {
    expect(ExistingRedis.setupScript()).not.toMatch(/redis-cli[^\n]*PASSWORD|SETUSER[^\n]*PASSWORD/);
  });

  test("where Redis has a file of users, they are kept there", async () => {
    await redis.end("SIGTERM");
    writeFile(folder, "users.acl", "user default on >plain ~* &* +@all\n");
    await start("--aclfile", users);
    expect(setup({ ...PASSWORDS, REDISCLI_AUTH: "plain" })).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(users, "utf8")).toMatch(/^user writer on [^\n]*\+fcall/m);
  });
});
