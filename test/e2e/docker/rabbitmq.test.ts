import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import { Balancer, Broker } from "../../../src";
import { MqttClients } from "../../support/mqtt";
import { expectOnlyNamedUsers, expectToReachEverybody } from "../clients";
import { BACKEND, deployCluster, SENSORS, USER_SECRETS } from "../cluster";
import {
  Deployment,
  describeOnDocker,
  docker,
  expectNothingToChange,
  killBroker,
  receiveWebhooks,
  report,
} from "../support";

const WEBHOOK_PORT = 9099;
const SECRETS = { ...USER_SECRETS, rabbit_mqtt_node_cookie: "PlantedCookie0123456789" };

function cluster(maxInflight: number, balancer = Balancer.haproxy({ version: "2.6" })) {
  return (stack: TerraformStack) =>
    deployCluster(stack, WEBHOOK_PORT, {
      broker: Broker.rabbitmq({ version: "3.10", mqtt: { maxInflight } }),
      balancer,
    });
}

describeOnDocker(
  "RabbitMQ behind HAProxy on Docker",
  [
    "rabbitmq:3.10",
    "haproxy:2.6-alpine",
    "nginx:1.22-alpine",
    "nginx/nginx-prometheus-exporter:1.4.1",
    "prom/prometheus:v2.42.0",
    "prom/alertmanager:v0.25.0",
  ],
  () => {
    const notifications = receiveWebhooks(WEBHOOK_PORT);
    const deployment = new Deployment("rabbit", SECRETS, cluster(20));
    const mqtt = new MqttClients("mqtt://127.0.0.1:1883");

    test("a second plan changes nothing", () => expectNothingToChange(deployment.project));

    test("no secret is synthesised, nor shown by docker inspect", () => {
      const values = Object.values(SECRETS);
      const containers = docker("ps", "-aq", "--filter", "label=mqtt-cluster.name=rabbit-mqtt")
        .output.trim()
        .split("\n");
      expect(containers).toHaveLength(6);
      const inspected = docker("inspect", ...containers).output;
      const synthesised = filesUnder(deployment.project.stackFolder).map((file) => readFileSync(file, "utf8"));
      expect(synthesised.length).toBeGreaterThan(0);
      for (const value of values) {
        expect([inspected, ...synthesised].filter((text) => text.includes(value))).toEqual([]);
      }
    });

    test("wrong passwords, anonymous clients and other topics are refused", () => expectOnlyNamedUsers(mqtt));

    test("a message reaches subscribers on every node", () => expectToReachEverybody(mqtt));

    test("clients of a killed broker are back at once, and the alert arrives", async () => {
      await killBroker(mqtt, BACKEND, notifications, { cluster: "rabbit-mqtt", instance: "broker-3" });
    }, 400_000);

    test("nginx takes the place of HAProxy, and the brokers stay", async () => {
      const before = containers();
      await deployment.change(cluster(20, Balancer.nginx({ version: "1.22" })));
      expect(replaced(before)).toEqual(["rabbit-mqtt-balancer-1", "rabbit-mqtt-prometheus"]);
      expect(await mqtt.refusal(SENSORS)).toBe("accepted");
      expect(await mqtt.refusal({ ...SENSORS, password: "wrong" })).toMatch(/not authorized|bad user ?name/i);
      await deployment.change(cluster(20));
    }, 300_000);

    test("a changed broker setting replaces the brokers and nothing else", async () => {
      const before = containers();
      const applied = await deployment.change(cluster(21));
      report("rabbit: changed setting: apply", applied.seconds);
      expect(replaced(before)).toEqual(["rabbit-mqtt-broker-1", "rabbit-mqtt-broker-2", "rabbit-mqtt-broker-3"]);
      expect((await deployment.project.plan()).status).toBe(0);
      expect(await mqtt.refusal(SENSORS)).toBe("accepted");
    }, 600_000);
  },
);

/** Ids by name. */
function containers(): Record<string, string> {
  const list = docker("ps", "-a", "--filter", "label=mqtt-cluster.name=rabbit-mqtt", "--format", "{{.Names}} {{.ID}}");
  return Object.fromEntries(
    list.output
      .trim()
      .split("\n")
      .map((line) => line.split(" ")),
  );
}

function replaced(before: Record<string, string>): string[] {
  const now = containers();
  return Object.keys(before)
    .filter((name) => before[name] !== now[name])
    .sort();
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => !path.includes("/.terraform") && statSync(path).isFile());
}
