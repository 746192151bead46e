import { spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { WEBDIS_USER, webdisWorkload } from "../../../src/components/webdis/webdis";
import { Secret } from "../../../src/definition/secret";
import { secretsIn } from "../../../src/formats/references";
import { testPlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, temporaryFolder } from "../../support/programs";
import { until } from "../../support/servers";
import { healthCommand } from "../../support/workloads";
import {
  changed,
  existingRedisDefinition,
  INSTANCES,
  RealRedis,
  Running,
  redisDefinition,
  secretValue,
  writeWorkload,
} from "../redis/real-redis";

const input = { ...testPlacement(), instances: INSTANCES, server: { host: "127.0.0.1", port: 6379 } };
const workload = webdisWorkload(redisDefinition(), input);

test("webdis.json", () => {
  expect(workload.files[0].content).toMatchSnapshot();
});

test("in a Redis of somebody else it is the user writer, which Webdis knows how to be from 0.1.13 on", () => {
  const existing = webdisWorkload(existingRedisDefinition(), { ...input, server: { host: "10.9.9.9", port: 6380 } });
  expect(JSON.parse(existing.files[0].content)).toMatchObject({
    redis_host: "10.9.9.9",
    redis_port: 6380,
    redis_auth: ["writer", "<<secret:variable:writer_password>>"],
  });
  expect(existing.package?.atLeast).toBe("0.1.13");
  expect(workload.package?.atLeast).toBe("0.1.9");
});

test("the file with the password is for Webdis alone, and the password is nowhere else", () => {
  expect(workload.files.map(({ mode }) => mode)).toEqual([0o400]);
  const { files, ...rest } = workload;
  expect(secretsIn(JSON.stringify(rest))).toEqual([]);
});

/** Webdis as the workload starts it, in front of a Redis of the test. */
class RealWebdis {
  public readonly port = freePort();
  public readonly process: Running;
  private readonly changes: Readonly<Record<string, string>>;

  public constructor(
    folder: string,
    redisPort: number,
    private readonly rendered = workload,
  ) {
    this.changes = { "/etc/webdis": join(folder, "etc/webdis"), "6379": `${redisPort}`, "7379": `${this.port}` };
    writeWorkload(folder, rendered, this.changes);
    const [command] = rendered.process.command as string[];
    this.process = new Running(
      command,
      rendered.process.args.map((arg) => changed(arg, this.changes)),
    );
  }

  public isHealthy(): boolean {
    const [command, ...args] = healthCommand(this.rendered);
    return (
      spawnSync(
        command,
        args.map((arg) => changed(arg, this.changes)),
      ).status === 0
    );
  }

  /** As EMQX calls it. */
  public async put(
    body: string,
    { path = "/FCALL/session_event/0", credentials = CREDENTIALS, host = "127.0.0.1" } = {},
  ): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(`http://${host}:${this.port}${path}`, {
      method: "PUT",
      headers: credentials ? { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } : {},
      body,
    });
    const text = await response.text();
    return { status: response.status, answer: text ? JSON.parse(text) : undefined };
  }
}

const CREDENTIALS = `${WEBDIS_USER}:${secretValue("writer_password")}`;

describeWithPrograms(["redis-server", "redis-cli", "webdis", "wget"], "Webdis as a workload", () => {
  const redis = new RealRedis(temporaryFolder(), freePort());
  const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  const started: RealWebdis[] = [];
  let webdis: RealWebdis;
  const start = (rendered = workload, redisPort = redis.port) => {
    started.push(new RealWebdis(folders[started.length], redisPort, rendered));
    return started[started.length - 1];
  };

  beforeAll(async () => {
    await redis.startAndWait();
    webdis = start();
    await until("Webdis is healthy", async () => webdis.isHealthy());
  });
  afterAll(() =>
    Promise.all([redis.process, ...started.map(({ process }) => process)].map((one) => one.end("SIGKILL"))),
  );
  beforeEach(() => redis.command("admin", "FLUSHALL"));

  const connected = (clientid: string, more: object = {}) => ({
    event: "client.connected",
    clientid,
    node: "n1",
    connected_at: 1_732_000_000_000,
    clean_start: true,
    expiry_interval: 0,
    ...more,
  });

  test("every client id, user name and topic arrives as it is", async () => {
    const name = fc.oneof(
      fc.constantFrom(
        "/",
        ".",
        "%",
        '"',
        "ü",
        " ",
        "a b",
        "a\nb",
        "\r\n",
        "\t",
        "%2f",
        "a.json",
        "?x=1&y",
        "+",
        "#",
        "\\",
      ),
      fc.constantFrom(
        "😀",
        "👩‍👩‍👧",
        "日本",
        "{}",
        "[1]",
        "'; --",
        "null",
        "$share/g/t",
        "mqtt:sub:x",
        "-e",
        "\u0001\u007f",
      ),
      fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter((text) => !text.includes("\0")),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
      fc.constantFrom("x".repeat(65_535), "ü".repeat(30_000), '"'.repeat(60_000)),
    );
    const client = fc.record({ id: name, user: name, topics: fc.uniqueArray(name, { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(client, async ({ id, user, topics }) => {
        const events = [
          connected(id, { username: user }),
          ...topics.map((topic, qos) => ({
            event: "session.subscribed",
            clientid: id,
            node: "n1",
            timestamp: 1_732_000_000_001,
            topic,
            qos,
          })),
        ];
        redis.command("admin", "FLUSHALL");
        for (const event of events) {
          expect(await webdis.put(JSON.stringify(event))).toEqual({ status: 200, answer: { FCALL: 1 } });
        }
        expect(redis.command("admin", "DBSIZE")).toBe(topics.length > 0 ? 2 : 1);
        expect(redis.hash(`mqtt:client:${id}`)).toMatchObject({ state: "connected", username: user });
        expect(redis.hash(`mqtt:sub:${id}`)).toEqual(
          Object.fromEntries(topics.map((topic, qos) => [topic, `${qos}`] as const)),
        );
      }),
      { numRuns: 60 },
    );
  });

  describe("turns away", () => {
    const event = JSON.stringify(connected("c"));

    test.each([
      ["a call without credentials", { credentials: "" }],
      ["a wrong password", { credentials: `${WEBDIS_USER}:wrong` }],
      ["another user", { credentials: `x${CREDENTIALS}` }],
      ["another command", { path: "/SET/mqtt:client:c" }],
      ["another command in small letters", { path: "/set/mqtt:client:c" }],
      ["the beginning of another command", { path: "/FUNCTION/LOAD" }],
      ["a script", { path: "/EVAL" }],
    ])("%s", async (_, options) => {
      expect(await webdis.put(event, options)).toMatchObject({ status: 403 });
      expect(redis.command("admin", "DBSIZE")).toBe(0);
    });

    test("whoever asks it for a sign of life from another address", async () => {
      const address = Object.values(networkInterfaces())
        .flat()
        .find((one) => one?.family === "IPv4" && !one.internal)?.address;
      if (address) {
        expect(await webdis.put("", { path: "/PING", credentials: "", host: address })).toMatchObject({ status: 403 });
      }
      expect(await webdis.put("", { path: "/PING", credentials: "" })).toMatchObject({ status: 200 });
    });
  });

  test("takes an event whose packet was as large as a broker allows", async () => {
    const large = connected("c", { conn_props: { "User-Property": { key: "\u0001".repeat(1024 * 1024) } } });
    expect(await webdis.put(JSON.stringify(large))).toEqual({ status: 200, answer: { FCALL: 1 } });
  });

  test("an error of Redis has status 200 all the same, which is why there is an alert for it", async () => {
    expect(await webdis.put("{")).toEqual({ status: 200, answer: { FCALL: [false, expect.stringMatching(/^ERR /)] } });
  });

  test("another database is not to be had: there is only one", async () => {
    await webdis.put(JSON.stringify(connected("c")), { path: "/1/FCALL/session_event/0" });
    expect(redis.cli("admin", ["INFO", "keyspace"]).stdout).toMatch(/^# Keyspace\s+db0:keys=1,/);
  });

  test("is unhealthy when Redis does not take its password", async () => {
    const other = start(
      webdisWorkload(redisDefinition({ writerPassword: Secret.variable("another_password") }), input),
    );
    await until("it listens", () =>
      other.put("", { path: "/PING", credentials: "" }).then(({ status }) => status === 200),
    );
    expect(await other.put("", { path: "/PING", credentials: "" })).toMatchObject({
      status: 200,
      answer: { PING: [false, expect.stringMatching(/^NOAUTH/)] },
    });
    expect(other.isHealthy()).toBe(false);
  });

  test("says 503 while Redis is away, and goes on by itself when it is back", async () => {
    await redis.process.end("SIGTERM");
    await until("it notices", () => webdis.put(JSON.stringify(connected("c"))).then(({ status }) => status === 503));
    expect(webdis.isHealthy()).toBe(false);
    redis.start();
    await until("it goes on", () => webdis.put(JSON.stringify(connected("c"))).then(({ status }) => status === 200));
    expect(redis.hash("mqtt:client:c")).toMatchObject({ state: "connected" });
    expect(webdis.isHealthy()).toBe(true);
  });

  test("starts before Redis, and stops when told to", async () => {
    const late = new RealRedis(folders[2], freePort());
    const other = start(workload, late.port);
    await until("it listens", () =>
      other.put("", { path: "/PING", credentials: "" }).then(({ status }) => status === 503),
    );
    await late.startAndWait();
    await until("it is healthy", async () => other.isHealthy());
    expect(await other.process.end("SIGTERM")).toEqual({ status: 0, signal: null });
    await late.process.end("SIGTERM");
  });
});
