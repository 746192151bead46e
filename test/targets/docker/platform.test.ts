import { TerraformStack, Testing } from "cdktf";
import type { DockerTargetProps } from "../../../src";
import { Access, Balancer, Secret, Target } from "../../../src";
import { platformOf } from "../../../src/targets/choose-platform";
import type { Workload } from "../../../src/workload";
import { fullDefinition } from "../../support/definitions";
import { someBroker } from "../../support/workloads";

function deploy(props: DockerTargetProps = {}, overrides: Partial<Workload> = {}, nodes = 3) {
  const platform = platformOf(Target.docker(props))!;
  const stack = new TerraformStack(Testing.app(), "dev");
  const placement = platform.place("dev-mqtt", [{ workload: "broker", count: nodes }]);
  const workloads = [someBroker(placement, overrides)];
  const problems = platform.checkWorkloads(workloads, []);
  const deployment = platform.deploy(stack, placement, workloads, []);
  return { problems, deployment, plan: JSON.parse(Testing.synth(stack)) };
}

const containers = (plan: { resource: { docker_container: Record<string, never> } }) =>
  Object.values<Record<string, unknown>>(plan.resource.docker_container);

test("one container of a program that uses every part of the contract", () => {
  const { plan } = deploy({}, {}, 1);
  expect(plan.resource.docker_container).toMatchSnapshot();
});

test("logical ids, names and variables are a contract with every state file", () => {
  const { plan } = deploy();
  expect({
    provider: plan.provider,
    variables: plan.variable,
    resources: Object.fromEntries(
      Object.entries<Record<string, { name: string }>>(plan.resource).map(([type, resources]) => [
        type,
        Object.fromEntries(Object.entries(resources).map(([id, { name }]) => [id, name])),
      ]),
    ),
  }).toMatchSnapshot();
});

test("instances that come up one by one wait for the one before, others for nobody", () => {
  const chain = (plan: never) => containers(plan).map(({ depends_on }) => depends_on);
  expect(chain(deploy().plan as never)).toEqual([
    undefined,
    ["docker_container.broker-1"],
    ["docker_container.broker-2"],
  ]);
  expect(chain(deploy({}, { startOrder: "together" }).plan as never)).toEqual([undefined, undefined, undefined]);
});

test("a changed health check changes a label, because the provider does not apply it by itself", () => {
  const label = (retries: number) => {
    const { plan } = deploy(
      {},
      { health: { ...someBroker(platformOf(Target.docker())!.place("x", [])).health!, retries } },
      1,
    );
    const labels = containers(plan)[0].labels as { label: string; value: string }[];
    return labels.find((entry) => entry.label === "mqtt-cluster.health-check")?.value;
  };
  expect(label(3)).toBe(label(3));
  expect(label(3)).not.toBe(label(4));
});

test("only what clients and operators need is published, each on its own address", () => {
  const { plan, deployment } = deploy({ host: "ssh://deploy@mqtt.example.com", operatorAddress: "10.0.0.1" }, {}, 1);
  expect(containers(plan)[0].ports).toEqual([
    { internal: 1883, external: 1883, ip: "0.0.0.0", protocol: "tcp" },
    { internal: 18083, external: 18083, ip: "10.0.0.1", protocol: "tcp" },
  ]);
  expect(deployment.endpoints.map(({ url }) => url)).toEqual(["mqtt://mqtt.example.com:1883", "http://10.0.0.1:18083"]);
});

test.each<[string, DockerTargetProps]>([
  ["http://127.0.0.1:9090", {}],
  ["http://10.0.0.1:9090", { operatorAddress: "10.0.0.1" }],
  ["http://mqtt.example.com:9090", { host: "ssh://deploy@mqtt.example.com", operatorAddress: "0.0.0.0" }],
])("messages link to where operators reach it: %s", (url, props) => {
  expect(platformOf(Target.docker(props))!.place("dev-mqtt", []).operatorUrl("prometheus", 9090)).toBe(url);
});

test("several instances of a published port count upwards on the one host", () => {
  expect(
    deploy()
      .deployment.endpoints.filter(({ name }) => name === "mqtt")
      .map(({ url }) => url),
  ).toEqual(["mqtt://localhost:1883", "mqtt://localhost:1884", "mqtt://localhost:1885"]);
});

test("fails if two ports meet on the host", () => {
  const ports = [
    { name: "mqtt", number: 1883, audience: "clients" as const },
    { name: "ws", number: 1884, audience: "operators" as const },
  ];
  expect(deploy({}, { ports }, 1).problems).toEqual([]);
  expect(deploy({}, { ports }, 2).problems.map(({ value, message }) => `${value} ${message}`)).toEqual([
    expect.stringMatching(/^"0.0.0.0:1884" is wanted by broker-1 \(ws\) and by broker-2 \(mqtt\)/),
  ]);
});

test("images come from the registry, or as they were named", () => {
  const image = (props: DockerTargetProps) =>
    Object.values<{ name: string }>(deploy(props).plan.resource.docker_image)[0].name;
  expect(image({})).toBe("rabbitmq:3.10");
  expect(image({ registry: "registry.example.com/mirror" })).toBe("registry.example.com/mirror/rabbitmq:3.10");
  const pinned = `rabbitmq:3.10@sha256:${"a".repeat(64)}`;
  expect(image({ registry: "registry.example.com", images: { rabbitmq: pinned } })).toBe(pinned);
});

test("fails if Docker cannot honour something, naming all of it", () => {
  const platform = platformOf(
    Target.docker({
      host: "localhost",
      images: { haproxy: "haproxy:latest", squid: "squid:6" },
      clientAddress: "all",
    } as never),
  )!;
  const definition = fullDefinition({
    balancer: Balancer.haproxy({ replicas: 2 }),
    access: Access.passwords({
      users: [{ name: "a", password: Secret.kubernetes("users", "a") }],
      rules: [{ action: "all", topics: ["#"] }],
    }),
  });
  expect(
    platform.checkDefinition(definition).map(({ path, value, message }) => `${path} = ${value}: ${message}`),
  ).toMatchSnapshot();
});
