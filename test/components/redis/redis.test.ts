import { redisWorkload } from "../../../src/components/redis/redis";
import { secretsIn } from "../../../src/formats/references";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { REDIS_INPUT, redisDefinition } from "./real-redis";

const workload = redisWorkload(redisDefinition(), REDIS_INPUT);
const file = (name: string) => workload.files.find(({ path }) => path.endsWith(`/${name}`))!;

test.each(["redis.conf", "users.acl", "start.sh", "health.sh"])("%s", (name) => {
  expect(file(name).content).toMatchSnapshot();
});

test("secrets are in files that only Redis may read, and nowhere else", () => {
  for (const { content, mode } of workload.files) {
    expect(mode).toBe(secretsIn(content).length > 0 ? 0o400 : 0o444);
  }
  const { files, ...rest } = workload;
  expect(secretsIn(JSON.stringify(rest))).toEqual([]);
});

test("the image follows the version", () => {
  const image = (version: string) => redisWorkload(redisDefinition({ version }), REDIS_INPUT).image;
  expect(image("7.2.16")).toBe("redis:7.2.16-alpine");
  expect(image("7.0")).toBe("redis:7.0-alpine");
});

test("the process may use a third more memory than the data, and a little for itself", () => {
  const memory = redisDefinition({ memory: 768 * 1024 ** 2 });
  expect(redisWorkload(memory, REDIS_INPUT).process.memoryMiB).toBe(1024 + 32);
  expect(redisWorkload(memory, REDIS_INPUT).files[0].content).toContain("maxmemory 805306368\n");
});

test("a full store has time to be loaded before it counts as broken", () => {
  const startPeriod = (memory: number) =>
    redisWorkload(redisDefinition({ memory }), REDIS_INPUT).health?.startPeriodSeconds;
  expect(startPeriod(64 * 1024 ** 2)).toBe(64);
  expect(startPeriod(20 * 1024 ** 3)).toBe(60 + 1024);
});

test("enough files may be open for every connection", () => {
  const [, maxClients] = /^maxclients (\d+)$/m.exec(file("redis.conf").content)!;
  // Redis keeps 32 for itself.
  expect(workload.process.openFiles).toBeGreaterThanOrEqual(Number(maxClients) + 32);
});

describeWithPrograms(["shellcheck"], "the scripts of Redis", () => {
  test.each(["start.sh", "health.sh"])("%s", (name) => {
    expect(run("shellcheck", [writeFile(temporary, name, file(name).content)])).toEqual({ status: 0, output: "" });
  });
  const temporary = temporaryFolder();
});
