import { RedisSessionStore, Target } from "../../../src";
import { until } from "../../support/servers";
import { Deployment, expectNothingToChange, report } from "../support";
import { onHost, Placed, remains, swarm } from "./bed";
import { describeOnSwarm, host } from "./hosts";

const STACK = "store";
const SESSIONS = `${STACK}-sessions`;
const SECRETS = {
  store_sessions_redis_admin_password: "PlantedRedisAdmin012",
  store_sessions_redis_writer_password: "PlantedRedisWriter01",
  store_sessions_redis_access_password: "PlantedRedisAccess01",
  store_sessions_redis_monitor_password: "PlantedRedisMonitor0",
};

describeOnSwarm("A session store on a worker of a swarm", () => {
  const deployment = new Deployment(
    STACK,
    SECRETS,
    (stack) => {
      new RedisSessionStore(stack, "sessions", {
        redis: { version: "7.0", memory: "64MB" },
        target: Target.dockerSwarm({ ...swarm(), sessionStore: onHost(host(5)) }),
      });
    },
    () => remains(SESSIONS),
  );
  const store = new Placed("session-store", host(5), SESSIONS);
  const asAdmin = (command: string) =>
    store.run("sh", "-c", `REDISCLI_AUTH=$(cat /etc/redis/admin.password) redis-cli --user admin ${command}`);

  test("a second plan changes nothing", () => expectNothingToChange(deployment.project));

  test("lets in whoever has a password, and nobody else", async () => {
    expect(await store.run("redis-cli", "PING")).toMatch(/NOAUTH/);
    expect(await asAdmin("PING")).toBe("PONG");
  });

  test("keeps its data when it is killed, and is started again", async () => {
    await asAdmin("SET e2e kept");
    const container = (await store.container()) as string;
    const killed = Date.now();
    await host(5).docker("kill", container);
    const isAnother = async () => (await store.container()) !== container && (await store.isHealthy());
    await until("another container is healthy", isAnother, 60_000);
    report("session store killed: healthy again after", (Date.now() - killed) / 1000);
    expect(await asAdmin("GET e2e")).toBe("kept");
  }, 90_000);
});
