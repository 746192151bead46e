import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithPrograms, freePort, run, temporaryFolder } from "../../support/programs";
import { RealRedis, secretValue } from "./real-redis";

/** The blocks of commands of the page, in order; they share their variables. */
function commands(page: string): string[] {
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
}

describeWithPrograms(["redis-server", "redis-cli", "openssl"], "docs/access-redis.md", () => {
  const redis = new RealRedis(temporaryFolder(), freePort());
  const page = readFileSync(join(__dirname, "../../../docs/access-redis.md"), "utf8");
  const [addUser, allowTopics, takeBack, lookAround] = commands(page);
  const sh = (...blocks: string[]) => {
    // The commands of the page name no server; a function cannot be called redis-cli in sh.
    const prelude = [
      "set -eu",
      `export REDISCLI_AUTH='${secretValue("admin_password")}'`,
      `redis() { redis-cli -e -p ${redis.port} "$@"; }`,
    ];
    const body = blocks.map((block) => block.replaceAll(/^redis-cli /gm, "redis "));
    return run("sh", ["-c", [...prelude, ...body, 'echo "password=$password"'].join("\n")]);
  };

  beforeAll(() => redis.startAndWait());
  afterAll(() => redis.process.end("SIGTERM"));
  beforeEach(() => redis.command("admin", "FLUSHALL"));

  test("a user added by its commands has the hash that EMQX makes of salt and password", () => {
    const { status, output } = sh(addUser, allowTopics);
    expect(status).toBe(0);
    const [, password] = /^password=([0-9a-f]{32})$/m.exec(output)!;
    const [hash, salt, superuser] = redis.command(
      "access",
      "HMGET",
      "mqtt_user:sensor-1",
      "password_hash",
      "salt",
      "is_superuser",
    ) as (string | null)[];
    expect(hash).toBe(createHash("sha256").update(`${salt}${password}`).digest("hex"));
    expect(superuser).toBeNull();
    expect(redis.command("access", "HGETALL", "mqtt_acl:sensor-1")).toEqual({
      "sensors/${username}/#": "publish",
      "commands/${username}": "subscribe",
    });
  });

  test("what was given can be taken back", () => {
    expect(sh(addUser, allowTopics, takeBack).status).toBe(0);
    expect(redis.command("admin", "DBSIZE")).toBe(0);
  });

  test("the other commands run as well", () => {
    const { status, output } = sh(addUser, lookAround);
    expect(status).toBe(0);
    expect(output).toContain("mqtt_user:sensor-1");
  });
});
