import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack, Testing } from "cdktf";
import { MqttCluster, Target } from "../../src";
import { definition } from "../../stacks/definition";
import { DevStack } from "../../stacks/dev";
import { linkSecrets, writeMissingSecrets } from "../../stacks/secrets";
import { temporaryFolder } from "../support/programs";

const stack = new DevStack(new App());
const plan = JSON.parse(Testing.synth(stack));

test("logical ids and names are a contract with every deployed environment", () => {
  const names = (resources: Record<string, { name?: string }>) =>
    Object.fromEntries(Object.entries(resources).map(([id, { name = "" }]) => [id, name]));
  expect(
    Object.fromEntries(Object.entries(plan.resource).map(([type, resources]) => [type, names(resources as never)])),
  ).toMatchSnapshot();
});

test("what waits for what", () => {
  const containers = Object.values<{ name: string; depends_on?: string[] }>(plan.resource.docker_container);
  expect(
    Object.fromEntries(
      containers.map(({ name, depends_on = [] }) => [
        name,
        depends_on.map((id) => id.replace(/^docker_container\.mqtt_|_[0-9A-F]{8}$/g, "")),
      ]),
    ),
  ).toMatchSnapshot();
});

test("the summary says what the environment is", () => {
  expect(stack.cluster.summary).toMatchSnapshot();
});

test("the summary names the images that the target runs", () => {
  const { summary } = new MqttCluster(new TerraformStack(new App(), "mirror"), "mqtt", {
    ...definition,
    target: Target.docker({ registry: "registry.example.com", images: { haproxy: "example/haproxy:1" } }),
  });
  expect(summary).toMatch(/broker-1 +emqx +registry\.example\.com\/emqx\/emqx:5\.8\.9 /);
  expect(summary).toMatch(/balancer-1 +haproxy +example\/haproxy:1 /);
});

test("other stacks get its endpoints", () => {
  expect(stack.cluster.endpoints).toEqual({
    mqtt: "mqtt://localhost:1883",
    ws: "ws://localhost:8083/mqtt",
    dashboard: "http://127.0.0.1:18083",
    prometheus: "http://127.0.0.1:9090",
    alertmanager: "http://127.0.0.1:9093",
  });
});

test("a single resource is found by its instance's name", () => {
  expect(stack.cluster.resources).toContain(stack.cluster.node.findChild("broker-1"));
});

test("its alert rules are there for a Prometheus of one's own", () => {
  expect(stack.cluster.alertRules).toContain('cluster="dev-mqtt"');
  expect(stack.cluster.alertRules).toContain("alert: EmqxNodeDown");
});

describe("secrets of an environment", () => {
  const folder = temporaryFolder();
  const stackFolder = join(folder, "cdktf.out/stacks/dev");
  const file = join(folder, "secrets/dev.tfvars.json");
  const workingFolder = process.cwd();
  beforeAll(() => {
    mkdirSync(stackFolder, { recursive: true });
    process.chdir(folder);
  });
  afterAll(() => process.chdir(workingFolder));

  const synthesise = (variables: object) =>
    writeFileSync(join(stackFolder, "cdk.tf.json"), JSON.stringify({ variable: variables }));
  const values = () => JSON.parse(readFileSync(file, "utf8"));

  test("are written once, strong, for their owner only, and never changed", () => {
    synthesise({ a: { sensitive: true }, open: {} });
    expect(writeMissingSecrets(stackFolder, "dev")).toEqual(["a"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(values()).toEqual({ a: expect.stringMatching(/^[A-Za-z0-9]{43}$/) });
    const first = values();

    expect(writeMissingSecrets(stackFolder, "dev")).toEqual([]);
    synthesise({ a: { sensitive: true }, b: { sensitive: true } });
    expect(writeMissingSecrets(stackFolder, "dev")).toEqual(["b"]);
    expect(values().a).toBe(first.a);
    expect(values().b).not.toBe(first.a);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("reach Terraform by a link, not by a copy", () => {
    linkSecrets(stackFolder, "dev");
    linkSecrets(stackFolder, "dev");
    expect(JSON.parse(readFileSync(join(stackFolder, "secrets.auto.tfvars.json"), "utf8"))).toEqual(values());
    linkSecrets(stackFolder, "none-yet");
    expect(() => statSync(join(stackFolder, "secrets.auto.tfvars.json"))).toThrow(/ENOENT/);
  });
});
