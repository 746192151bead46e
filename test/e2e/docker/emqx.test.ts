import { Balancer, Broker, SessionStore } from "../../../src";
import { MqttClients, outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND, deployCluster, GATEWAY, SENSORS, USER_SECRETS } from "../cluster";
import {
  Deployment,
  describeOnDocker,
  docker,
  expectNothingToChange,
  isHealthy,
  killBroker,
  receiveWebhooks,
  report,
} from "../support";

const WEBHOOK_PORT = 9098;
const SECRETS = {
  ...USER_SECRETS,
  emqx_mqtt_node_cookie: "PlantedCookie0123456789",
  emqx_mqtt_dashboard_password: "PlantedDashboard0123",
  emqx_mqtt_redis_admin_password: "PlantedRedisAdmin012",
  emqx_mqtt_redis_writer_password: "PlantedRedisWriter01",
  emqx_mqtt_redis_access_password: "PlantedRedisAccess01",
  emqx_mqtt_redis_monitor_password: "PlantedRedisMonitor0",
};

const IMAGES = [
  "emqx/emqx:5.8.9",
  "haproxy:2.6-alpine",
  "redis:7.0-alpine",
  "nicolas/webdis:0.1.22",
  "oliver006/redis_exporter:v1.88.0-alpine",
  "prom/prometheus:v2.42.0",
  "prom/alertmanager:v0.25.0",
];

describeOnDocker("EMQX behind HAProxy on Docker, with every part", IMAGES, () => {
  const notifications = receiveWebhooks(WEBHOOK_PORT);
  const deployment = new Deployment("emqx", SECRETS, (stack) =>
    deployCluster(stack, WEBHOOK_PORT, {
      broker: Broker.emqx({ cpus: 1.5 }),
      balancer: Balancer.haproxy({ version: "2.6" }),
      sessionStore: SessionStore.redis({ version: "7.0", memory: "64MB" }),
    }),
  );
  const mqtt = new MqttClients("mqtt://127.0.0.1:1883");
  const websocket = new MqttClients("ws://127.0.0.1:8083/mqtt");

  test("a second plan changes nothing", () => expectNothingToChange(deployment.project));

  test("docker inspect shows no secret", () => {
    const containers = docker("ps", "-aq", "--filter", "label=mqtt-cluster.name=emqx-mqtt").output.trim().split("\n");
    expect(containers).toHaveLength(9);
    const inspected = docker("inspect", ...containers).output;
    expect(Object.values(SECRETS).filter((value) => inspected.includes(value))).toEqual([]);
  });

  test("wrong passwords, anonymous clients and other topics are refused", async () => {
    expect(await mqtt.refusal({ username: "sensors", password: "wrong" })).toMatch(
      /bad username or password|not authorized/i,
    );
    expect(await mqtt.refusal({})).toMatch(/bad username or password|not authorized/i);
    const backend = await mqtt.connect({ ...BACKEND, protocolVersion: 5 });
    const received: string[] = [];
    backend.on("message", (topic) => received.push(topic));
    await backend.subscribeAsync("sensors/#", { qos: 1 });
    const sensor = await websocket.connect({ ...SENSORS, clientId: "s1", protocolVersion: 5 });
    await expect(sensor.publishAsync("sensors/backend/t", "x", { qos: 1 })).rejects.toThrow(/not authorized/i);
    await sensor.publishAsync("sensors/sensors/t", "x", { qos: 1 });
    await until("the allowed message arrives", () => received.length > 0);
    expect(received).toEqual(["sensors/sensors/t"]);
    await Promise.all([sensor.endAsync(), backend.endAsync()]);
  });

  test("every session has a live copy in Redis, with the client's own address and an awkward name", async () => {
    const clientId = 'device 7 "ü" % /é';
    const client = await mqtt.connect({ ...BACKEND, clientId });
    await client.subscribeAsync("sensors/+/t", { qos: 1 });
    await until("the session is in Redis", () => redis("HGET", `mqtt:sub:${clientId}`, "sensors/+/t") === "1");
    expect(redis("HGET", `mqtt:client:${clientId}`, "state")).toBe("connected");
    expect(redis("HGET", `mqtt:client:${clientId}`, "node")).toMatch(/^emqx@broker-[123]\.emqx-mqtt\.internal$/);
    // Through the balancer the broker sees the address of the Docker gateway, where the test is, not the balancer's.
    expect(redis("HGET", `mqtt:client:${clientId}`, "peername")).toMatch(
      new RegExp(`^${GATEWAY.replaceAll(".", "\\.")}:`),
    );
    await client.endAsync();
    await until(
      "the end of the session is in Redis",
      () => redis("HGET", `mqtt:client:${clientId}`, "state") !== "connected",
    );
  });

  test("clients of a killed broker are back at once, and the alert arrives", async () => {
    await killBroker(mqtt, BACKEND, notifications, { cluster: "emqx-mqtt", instance: "broker-3" });
  }, 400_000);

  test("clients of a hung broker are back, while it hangs", async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => mqtt.connect(BACKEND)));
    const { lost, seconds } = await outage(clients, () => docker("pause", "emqx-mqtt-broker-2"));
    docker("unpause", "emqx-mqtt-broker-2");
    report(`emqx: hung broker: last of ${lost} lost clients back after`, seconds);
    // With EMQX's own settings over 170 s.
    expect(seconds).toBeLessThan(40);
    await Promise.all(clients.map((client) => client.endAsync()));
    await until("the broker is a member again", () => isHealthy("emqx-mqtt-broker-2"), 120_000);
  }, 400_000);
});

function redis(...command: string[]): string {
  const script = 'REDISCLI_AUTH=$(cat /etc/redis/admin.password) redis-cli --user admin "$@"';
  return docker("exec", "emqx-mqtt-session-store", "sh", "-c", script, "sh", ...command).output.trim();
}
