import { join } from "node:path";
import { DEFAULT_ALERT_LIMITS } from "../../../src/components/alert-limits";
import { redisExporterWorkload } from "../../../src/components/redis-exporter/redis-exporter";
import { secretsIn } from "../../../src/formats/references";
import { describeAlerts } from "../../support/alert-tests";
import { testPlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, temporaryFolder } from "../../support/programs";
import { until } from "../../support/servers";
import { changed, INSTANCES, RealRedis, Running, redisDefinition, writeWorkload } from "../redis/real-redis";

const workload = redisExporterWorkload(redisDefinition(), {
  ...testPlacement(),
  instances: INSTANCES,
  redisHost: "127.0.0.1",
  alertLimits: DEFAULT_ALERT_LIMITS,
});

test("passwords.json and arguments", () => {
  expect(workload.files[0].content).toMatchSnapshot();
  expect(workload.process.args).toMatchSnapshot();
});

test("it has the group of its image, not that of root", () => {
  expect(workload.process.user).toBe("59000:59000");
});

test("the file with the password is for the exporter alone, and the password is nowhere else", () => {
  expect(workload.files.map(({ mode }) => mode)).toEqual([0o400]);
  const { files, ...rest } = workload;
  expect(secretsIn(JSON.stringify(rest))).toEqual([]);
});

const up = (value: string) => ({ 'up{job="redis",instance="r"}': value, 'redis_up{job="redis",instance="r"}': value });
const one = (metric: string, value: string, labels = "") => ({
  [`${metric}{job="redis",instance="r"${labels}}`]: value,
});

describeAlerts("redis", workload.alerts, {
  RedisDown: [
    { fires: { ...up("1x30"), ...one("redis_up", "1x10 0x20") }, silent: up("1x30") },
    { fires: one("up", "1x10 0x20"), silent: one("up", "1x29 0") },
  ],
  RedisMemoryNearLimit: {
    fires: { ...one("redis_memory_used_bytes", "86x30"), ...one("redis_memory_max_bytes", "100x30") },
    silent: { ...one("redis_memory_used_bytes", "84x30"), ...one("redis_memory_max_bytes", "100x30") },
  },
  RedisWritesRefused: [
    {
      fires: one("redis_errors_total", "5x27 6x3", ',err="OOM"'),
      silent: {
        ...one("redis_errors_total", "5x30", ',err="OOM"'),
        ...one("redis_errors_total", "0x27 9x3", ',err="ERR"'),
      },
    },
    // The counter appears with its first error.
    {
      fires: one("redis_errors_total", "_x28 7x2", ',err="OOM"'),
      silent: one("redis_errors_total", "_x10 7x20", ',err="OOM"'),
    },
  ],
  RedisSessionEventsFailed: [
    {
      fires: one("redis_commands_failed_calls_total", "0x27 1x3", ',cmd="fcall"'),
      silent: {
        ...one("redis_commands_failed_calls_total", "1x30", ',cmd="fcall"'),
        ...one("redis_commands_failed_calls_total", "0x27 1x3", ',cmd="get"'),
      },
    },
    {
      fires: one("redis_commands_rejected_calls_total", "0x27 1x3", ',cmd="fcall"'),
      silent: one("redis_commands_rejected_calls_total", "1x30", ',cmd="fcall"'),
    },
  ],
  RedisAofBroken: ["redis_aof_last_write_status", "redis_aof_last_bgrewrite_status", "redis_aof_enabled"].map(
    (metric) => ({
      fires: one(metric, "1x20 0x10"),
      silent: one(metric, "1x30"),
    }),
  ),
  RedisConnectionsRejected: {
    fires: one("redis_rejected_connections_total", "0x27 3x3"),
    silent: one("redis_rejected_connections_total", "3x30"),
  },
});

describeWithPrograms(["redis-server", "redis-cli", "prometheus-redis-exporter"], "the exporter as a workload", () => {
  const redis = new RealRedis(temporaryFolder(), freePort());
  const folder = temporaryFolder();
  const port = freePort();
  let exporter: Running;
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();

  beforeAll(async () => {
    await redis.startAndWait();
    const changes = {
      "/etc/redis-exporter": join(folder, "etc/redis-exporter"),
      "6379": `${redis.port}`,
      "9121": `${port}`,
    };
    writeWorkload(folder, workload, changes);
    exporter = new Running(
      "prometheus-redis-exporter",
      workload.process.args.map((arg) => changed(arg, changes)),
    );
    await until("it answers", async () => (await get("/health")) === "ok");
  });
  afterAll(() => Promise.all([redis.process.end("SIGTERM"), exporter.end("SIGKILL")]));

  test("reads all that the alerts ask for, and nothing that Redis would refuse it", async () => {
    redis.command("admin", "CONFIG", "SET", "maxmemory", "1");
    expect(redis.event({})).toMatch(/^OOM/);
    redis.command("admin", "CONFIG", "SET", "maxmemory", "64mb");
    expect(redis.event({})).toMatch(/^ERR session event/);

    const metrics = await get("/metrics");
    expect(metrics).toContain("\nredis_up 1\n");
    const expressions = workload.alerts.map(({ expr }) => expr).join("\n");
    for (const [, name, labels] of expressions.matchAll(/\b(redis_\w+)\{cluster="[^"]*",job="redis"(?:,([^}]*))?\}/g)) {
      expect(metrics).toContain(labels ? `\n${name}{${labels}} ` : `\n${name} `);
    }
    expect(metrics).toContain('\nredis_errors_total{err="OOM"} 1\n');
    expect(metrics).toContain('\nredis_commands_rejected_calls_total{cmd="fcall"} 1\n');
    expect(metrics).toContain('\nredis_commands_failed_calls_total{cmd="fcall"} 1\n');
    expect(redis.command("admin", "ACL", "LOG")).toEqual([]);
    expect(metrics.match(/redis_commands_rejected_calls_total\{.*\} [1-9]/g)).toHaveLength(1);
  });

  test("goes on answering while Redis is away, stops when told to", async () => {
    await redis.process.end("SIGTERM");
    expect(await get("/metrics")).toContain("\nredis_up 0\n");
    expect(await get("/health")).toBe("ok");
    redis.start();
    await until("Redis is back", async () => (await get("/metrics")).includes("\nredis_up 1\n"));
  });
});
