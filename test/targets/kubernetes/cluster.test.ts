/** Whole constructs on Kubernetes, as far as they differ from the sum of their parts. */
import { TerraformStack, Testing } from "cdktf";
import { parse } from "yaml";
import {
  type Access,
  Balancer,
  Broker,
  type KubernetesTargetProps,
  Monitoring,
  MqttBalancer,
  MqttCluster,
  RedisSessionStore,
  Secret,
  SessionStore,
  Target,
} from "../../../src";
import { fullProps } from "../../support/definitions";
import type { Plan, PlannedObject } from "./deploy";

function planOf(build: (stack: TerraformStack) => unknown): Plan {
  const stack = new TerraformStack(Testing.app(), "dev");
  build(stack);
  return JSON.parse(Testing.synth(stack));
}

const kubernetes = (more: Partial<KubernetesTargetProps> = {}) => Target.kubernetes({ namespace: "mqtt", ...more });

function policyOf({ resource }: Plan, workload: string): PlannedObject {
  const policies = Object.values(resource.kubernetes_network_policy_v1);
  return policies.find(({ metadata }) => metadata.name.endsWith(`-${workload}`))?.spec as PlannedObject;
}

const releaseOf = ({ resource }: Plan, name: RegExp) =>
  Object.values(resource.helm_release).find((release) => name.test(release.name)) as PlannedObject;

describe("EMQX by its maker's chart or operator", () => {
  const chart = planOf(
    (stack) => new MqttCluster(stack, "mqtt", { ...fullProps(), target: kubernetes({ brokersBy: "helm" }) }),
  );

  test("a changed secret changes the pods: its fingerprint is Terraform's to reckon", () => {
    const [values] = releaseOf(chart, /broker$/).values;
    expect(values).toContain("-${nonsensitive(sha256(");
    expect(values).not.toContain("$${nonsensitive");
  });

  test("settings of EMQX that look like Terraform's are literal all the same", () => {
    const files = Object.values(chart.resource.kubernetes_config_map_v1).find(({ data }) => data["emqx.conf"]);
    expect(files?.data["acl.conf"]).toContain("$${clientid}");
  });

  test("there is neither a set nor a service of ours for them", () => {
    expect(Object.keys(chart.resource.kubernetes_stateful_set_v1).join()).not.toContain("broker");
    const services = Object.values(chart.resource.kubernetes_service_v1).map(({ metadata }) => metadata.name);
    expect(services.filter((name) => name.includes("broker"))).toEqual([]);
  });

  test("one operator serves every cluster of a stack", () => {
    const operator = kubernetes({ brokersBy: "operator", installOperator: true });
    const plan = planOf((stack) => {
      for (const id of ["one", "two"]) {
        new MqttCluster(stack, id, { ...fullProps(), balancer: Balancer.none(), target: operator });
      }
    });
    const releases = Object.values(plan.resource.helm_release).map(({ name }) => name);
    expect(releases.sort()).toEqual(["dev-one-broker", "dev-two-broker", "emqx-operator"]);
  });

  test("brokers of the operator are found by HAProxy under one name", () => {
    const plan = planOf(
      (stack) => new MqttCluster(stack, "mqtt", { ...fullProps(), target: kubernetes({ brokersBy: "operator" }) }),
    );
    const balancer = Object.values(plan.resource.kubernetes_config_map_v1).find(({ data }) => data["haproxy.cfg"]);
    expect(balancer?.data["haproxy.cfg"]).toContain(
      "server-template broker- 3 dev-mqtt-broker-pods.mqtt.svc.cluster.local:1883",
    );
  });
});

test("nodes without data take clients as brokers do, and have no claims", () => {
  const broker = Broker.emqx({ version: "5.10.4", license: Secret.variable("emqx_license") });
  const plan = planOf(
    (stack) =>
      new MqttCluster(stack, "mqtt", {
        ...fullProps({ broker }),
        target: kubernetes({ brokersBy: "operator", replicants: 4 }),
      }),
  );
  const [{ spec }] = parse(releaseOf(plan, /broker$/).values[0]).objects;
  expect([spec.coreTemplate.spec.replicas, spec.replicantTemplate.spec.replicas]).toEqual([3, 4]);
  expect(spec.replicantTemplate.spec.volumeClaimTemplates).toBeUndefined();
  expect(spec.replicantTemplate.metadata.labels).toEqual(spec.coreTemplate.metadata.labels);
  const balancer = Object.values(plan.resource.kubernetes_config_map_v1).find(({ data }) => data["haproxy.cfg"]);
  expect(balancer?.data["haproxy.cfg"]).toContain("server-template broker- 7 dev-mqtt-broker-pods.mqtt.svc");
});

describe("parts alone", () => {
  test("a balancer reaches the brokers that it is for, wherever they are", () => {
    const plan = planOf(
      (stack) =>
        new MqttBalancer(stack, "edge", {
          brokers: { hosts: ["broker-1.example.com", "10.0.0.2"], healthCheckPort: 18083 },
          target: kubernetes(),
        }),
    );
    const [, ...egress] = policyOf(plan, "balancer").egress;
    const port = (number: string) => ({ protocol: "TCP", port: number });
    expect(egress).toEqual([
      { ports: [port("1883")] },
      { ports: [port("18083")] },
      { to: [{ ip_block: { cidr: "10.0.0.2/32" } }], ports: [port("1883")] },
      { to: [{ namespace_selector: {} }] },
      { to: [{ ip_block: { cidr: "10.0.0.2/32" } }], ports: [port("18083")] },
      { to: [{ namespace_selector: {} }] },
    ]);
  });

  test("a session store is there for whatever runs in its namespace", () => {
    const plan = planOf((stack) => new RedisSessionStore(stack, "sessions", { target: kubernetes() }));
    expect(policyOf(plan, "session-store").ingress).toEqual([
      { from: [{ pod_selector: {} }], ports: [{ protocol: "TCP", port: "6379" }] },
    ]);
  });
});

test("metrics are for who is known to read them, and for the namespace where nobody is", () => {
  const ingressOf = (monitoring?: Monitoring) =>
    policyOf(
      planOf((stack) => new MqttCluster(stack, "mqtt", { ...fullProps({ monitoring }), target: kubernetes() })),
      "broker",
    ).ingress;
  const openToNamespace = {
    from: [{ pod_selector: {} }],
    ports: [{ protocol: "TCP", port: "18083" }],
  };
  expect(ingressOf()).not.toContainEqual(openToNamespace);
  expect(ingressOf(Monitoring.none())).toContainEqual(openToNamespace);
});

test("a namespace is made once for everything that the stack has in it", () => {
  const target = kubernetes({ createNamespace: true, storage: { whenDestroyed: "delete" } });
  const { resource, data } = planOf((stack) => {
    new RedisSessionStore(stack, "sessions", { target });
    new MqttCluster(stack, "mqtt", {
      ...fullProps({ sessionStore: SessionStore.builtIn(), monitoring: Monitoring.none() }),
      target: kubernetes(),
    });
  });
  expect(Object.keys(resource.kubernetes_namespace_v1)).toHaveLength(1);
  expect(data).toBeUndefined();
  const [namespace] = Object.keys(resource.kubernetes_namespace_v1);
  for (const { depends_on } of Object.values(resource.kubernetes_secret_v1)) {
    expect(depends_on).toContain(`kubernetes_namespace_v1.${namespace}`);
  }
});

test("clients that come by nodes are told the ports of nodes", () => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const { endpoints } = new MqttCluster(stack, "mqtt", {
    broker: Broker.rabbitmq(),
    access: (fullProps() as { access: Access }).access,
    monitoring: Monitoring.none(),
    target: kubernetes({
      clients: { type: "NodePort", hostName: "mqtt.example.com", nodePorts: { mqtt: 31883 } },
    }),
  });
  expect(endpoints.mqtt).toBe("mqtt://mqtt.example.com:31883");
});

test("who watches from outside reaches the metrics, from any namespace", () => {
  const plan = planOf(
    (stack) =>
      new MqttCluster(stack, "mqtt", {
        ...fullProps({ monitoring: Monitoring.prometheusOperator() }),
        target: kubernetes(),
      }),
  );
  expect(policyOf(plan, "balancer").ingress).toContainEqual({
    from: [{ namespace_selector: {} }],
    ports: [{ protocol: "TCP", port: "8405" }],
  });
});
