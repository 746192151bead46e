import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describeWithPrograms, freePort, temporaryFolder } from "../../support/programs";
import { until } from "../../support/servers";
import { accepts, processesOf, RealRedis, type RedisUser } from "./real-redis";

const CONNECTED = {
  event: "client.connected",
  clientid: "c",
  node: "n1",
  connected_at: 1_732_000_000_000,
  clean_start: true,
  expiry_interval: 0,
};

describeWithPrograms(["redis-server", "redis-cli"], "Redis as a workload", () => {
  let redis: RealRedis;
  const started: RealRedis[] = [];
  const folders = Array.from({ length: 8 }, () => temporaryFolder());
  const prepare = (extraConfig = "") => {
    const prepared = new RealRedis(folders[started.length], freePort(), undefined, extraConfig);
    started.push(prepared);
    return prepared;
  };

  beforeAll(async () => {
    redis = prepare();
    await redis.startAndWait();
  });
  afterAll(() => Promise.all(started.map(({ process }) => process?.end("SIGKILL"))));

  describe("start and stop", () => {
    test("SIGTERM ends it with status 0, SIGKILL loses at most what the last second wrote; both leave nothing behind", async () => {
      const other = prepare();
      await other.startAndWait();
      other.event(CONNECTED);
      expect(await other.process.end("SIGTERM")).toEqual({ status: 0, signal: null });
      expect(other.process.log()).toContain("Calling fsync() on the AOF file");

      await other.startAndWait();
      expect(other.hash("mqtt:client:c")).toMatchObject({ state: "connected" });
      other.event({ ...CONNECTED, connected_at: CONNECTED.connected_at + 1 });
      await new Promise((resolve) => setTimeout(resolve, 1500)); // appendfsync everysec
      expect(await other.process.end("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
      await other.startAndWait();
      expect(other.hash("mqtt:client:c")).toMatchObject({ connected_at: `${CONNECTED.connected_at + 1}` });
      await other.process.end("SIGTERM");
      expect(processesOf(other.folder)).toEqual([]);
    });

    test("a crash ends it with a signal, a configuration error with a status that is not 0", async () => {
      const other = prepare();
      await other.startAndWait();
      expect(await other.process.end("SIGSEGV")).toMatchObject({ signal: "SIGSEGV" });
      other.addConfig("no-such-setting 1");
      other.start();
      expect((await other.process.end()).status).toBe(1);
      expect(other.process.log()).toContain("no-such-setting");
      await until("the script that waited for it gave up", async () => processesOf(other.folder).length === 0);
    });

    test("the port opens only when the data is loaded and the functions are there", async () => {
      const other = prepare();
      await other.startAndWait();
      const keys = Array.from({ length: 10_000 }, (_, i) => `HSET mqtt:client:${i} state connected\n`).join("");
      other.cli("admin", [], keys);
      await other.process.end("SIGTERM");

      // Microseconds a key; clients get an answer every 1024 keys.
      other.addConfig("key-load-delay 150");
      other.start();
      await until("it is loading", async () => readdirSync(join(other.folder, "data")).includes("redis.sock"));
      const socket = ["-s", join(other.folder, "data/redis.sock"), "PING"];
      await until("it says so", async () => other.cli("admin", socket).stderr.includes("LOADING"));
      expect(await accepts(other.port)).toBe(false);
      expect(other.isHealthy()).toBe(false);

      await until("the port is open", () => accepts(other.port));
      expect(other.event(CONNECTED)).toBe(1);
      expect(other.command("admin", "DBSIZE")).toBe(10_001);
    });

    test("a full memory does not keep it from starting again, with the functions of the last run", async () => {
      const other = prepare();
      await other.startAndWait();
      await other.process.end("SIGTERM");
      other.addConfig("maxmemory 1");
      other.start();
      await until("the port is open", () => accepts(other.port));
      expect(other.process.log()).toContain("OOM");
      expect(other.event(CONNECTED)).toMatch(/^OOM /);
      expect(other.command("access", "HMGET", "mqtt_user:nobody", "password_hash")).toEqual([null]);
    });
  });

  describe("health", () => {
    afterEach(async () => {
      redis.command("admin", "CONFIG", "SET", "maxmemory", "64mb");
      redis.cli("admin", ["-x", "FUNCTION", "LOAD", "REPLACE"], redis.workload.files[3].content);
      await until("it is well again", async () => redis.isHealthy());
    });

    test.each([
      ["the functions are missing", ["FUNCTION", "FLUSH"]],
      ["writes are refused", ["CONFIG", "SET", "maxmemory", "1"]],
    ])("is bad when %s", (_, command) => {
      expect(redis.isHealthy()).toBe(true);
      redis.command("admin", ...command);
      expect(redis.isHealthy()).toBe(false);
    });
  });

  test("a full memory refuses events, keeps what is there, and loses nothing to eviction", () => {
    redis.event(CONNECTED);
    redis.command("admin", "CONFIG", "SET", "maxmemory", "1");
    expect(redis.event({ ...CONNECTED, clientid: "other" })).toMatch(/^OOM /);
    expect(redis.hash("mqtt:client:c")).toMatchObject({ state: "connected" });
    redis.command("admin", "CONFIG", "SET", "maxmemory", "64mb");
    expect(redis.event({ ...CONNECTED, clientid: "other" })).toBe(1);
  });

  describe("what each user may do", () => {
    const EVENT = JSON.stringify({ ...CONNECTED, clientid: "acl" });

    beforeAll(() => {
      redis.command("admin", "HSET", "mqtt_user:u", "password_hash", "h");
      redis.command("admin", "HSET", "mqtt_acl:u", "t/#", "all");
    });

    test.each<[RedisUser, string[], unknown]>([
      ["writer", ["FCALL", "session_event", "0", EVENT], 1],
      ["access", ["HMGET", "mqtt_user:u", "password_hash", "salt"], ["h", null]],
      ["access", ["HGETALL", "mqtt_acl:u"], { "t/#": "all" }],
      ["monitor", ["FCALL", "session_ready", "0"], "OK"],
      ["monitor", ["PING"], "PONG"],
      ["admin", ["HGET", "mqtt_user:u", "password_hash"], "h"],
    ])("%s may %j", (user, command, answer) => {
      expect(redis.command(user, ...command)).toEqual(answer);
    });

    test.each<[RedisUser, string[]]>([
      ["writer", ["HGETALL", "mqtt:client:c"]],
      ["writer", ["HMGET", "mqtt_user:u", "password_hash"]],
      ["writer", ["HSET", "mqtt_user:u", "is_superuser", "1"]],
      ["writer", ["HSET", "mqtt_acl:u", "#", "all"]],
      ["writer", ["FUNCTION", "FLUSH"]],
      ["writer", ["EVAL", "return 1", "0"]],
      ["writer", ["KEYS", "*"]],
      ["writer", ["CONFIG", "GET", "*"]],
      ["writer", ["PUBLISH", "c", "m"]],
      ["access", ["HSET", "mqtt_user:u", "is_superuser", "1"]],
      ["access", ["HGETALL", "mqtt:client:c"]],
      ["access", ["FCALL", "session_event", "0", EVENT]],
      ["access", ["KEYS", "*"]],
      ["monitor", ["HGETALL", "mqtt_user:u"]],
      ["monitor", ["FCALL", "session_event", "0", EVENT]],
      ["monitor", ["CONFIG", "SET", "maxmemory", "1"]],
      ["monitor", ["ACL", "LIST"]],
      ["monitor", ["SHUTDOWN"]],
    ])("%s may not %j", (user, command) => {
      expect(redis.command(user, ...command)).toMatch(
        /^NOPERM|^ERR (The user executing the script can't run this command|ACL failure in script)/,
      );
    });

    test("nobody may do anything without a password", () => {
      const answer = (...args: string[]) => redis.cli("writer", args).stderr;
      expect(answer("--user", "default", "--pass", "wrong", "PING")).toMatch(/WRONGPASS|NOAUTH/);
      expect(answer("--user", "nobody", "--pass", "x", "PING")).toMatch(/WRONGPASS|NOAUTH/);
    });
  });
});
