import { logicalIds } from "../../support/plans";
import { deploy, only, type PlannedObject } from "./deploy";

const { plan, deployment } = deploy();
const broker = only(plan, "stateful_set_v1");
const balancer = only(plan, "deployment_v1");
const podOf = ({ spec }: PlannedObject) => spec.template.spec;

/** What of a pod a reviewer should see change. */
function essence(pod: PlannedObject) {
  const { container, init_container, volume, ...rest } = pod;
  return rest;
}

test("logical ids are a contract", () => {
  expect(logicalIds(plan)).toMatchSnapshot();
});

test("brokers are a stateful set whose pods are known by name", () => {
  const { template, ...spec } = broker.spec;
  expect(spec).toMatchSnapshot();
  expect(template.metadata).toMatchSnapshot();
  expect(essence(template.spec)).toMatchSnapshot();
});

test("the container has its program's user, limits, probes and hooks", () => {
  expect(podOf(broker).container).toMatchSnapshot();
});

test("files are laid out before the program starts, from templates and secrets that it does not see", () => {
  const init = podOf(broker).init_container.map(({ name, command, volume_mount }: PlannedObject) => ({
    name,
    command,
    volume_mount,
  }));
  expect({ init, volume: podOf(broker).volume }).toMatchSnapshot();
});

test("no file and no pod holds the value of a secret, nor a reference to one", () => {
  const text = JSON.stringify([plan.resource.kubernetes_config_map_v1, broker.spec, balancer.spec.template.spec]);
  expect(text.replaceAll(/\$\{nonsensitive\(sha256\(join\([^)]*\)\)\)\}/g, "")).not.toMatch(/\$\{var\./);
  expect(only(plan, "secret_v1").data).toEqual({
    some_cookie: "${var.some_cookie}",
    some_password: "${var.some_password}",
    user_password: "${var.user_password}",
  });
  expect(deployment.secretVariables).toEqual(["some_cookie", "some_password", "user_password"]);
});

test("balancers are a deployment that is never without one, and waits before it stops", () => {
  const { template, ...spec } = balancer.spec;
  expect({ spec, lifecycle: template.spec.container[0].lifecycle }).toMatchSnapshot();
});

test("every pod runs as nobody in particular, with nothing that it does not need", () => {
  for (const pod of [podOf(broker), podOf(balancer)]) {
    expect(pod.security_context).toMatchObject({ run_as_non_root: true, seccomp_profile: { type: "RuntimeDefault" } });
    for (const { security_context } of [...pod.container, ...(pod.init_container ?? [])]) {
      // On every container: the provider writes false where it is left out beside anything else.
      expect(security_context).toMatchObject({
        run_as_non_root: true,
        read_only_root_filesystem: true,
        allow_privilege_escalation: false,
        capabilities: { drop: ["ALL"] },
      });
    }
  }
  expect(podOf(broker).automount_service_account_token).toBe(true);
  expect(podOf(balancer).automount_service_account_token).toBe(false);
});

test("a broker may ask the API server how many of them there are to be, and nothing else", () => {
  expect(only(plan, "role_v1").rule).toEqual([
    { api_groups: ["apps"], resources: ["statefulsets/scale"], resource_names: ["dev-mqtt-broker"], verbs: ["get"] },
  ]);
});

test("network policies allow what the definition asks for", () => {
  const policies = Object.entries(plan.resource.kubernetes_network_policy_v1).map(([id, { spec }]) => [id, spec]);
  expect(Object.fromEntries(policies)).toMatchSnapshot();
});

test("services: pods by name, one address for each audience", () => {
  const services = Object.values(plan.resource.kubernetes_service_v1).map(({ metadata, spec }) => [
    metadata.name,
    { ...spec, port: spec.port.map(({ name, port }: { name: string; port: number }) => `${name} ${port}`) },
  ]);
  expect(Object.fromEntries(services)).toMatchSnapshot();
});

test("one broker more changes nothing about the pods of the others", () => {
  const grown = only(deploy({}, { brokers: 5 }).plan, "stateful_set_v1");
  expect(grown.spec.replicas).toBe("5");
  expect(grown.spec.template).toEqual(broker.spec.template);
  expect(grown.spec.volume_claim_template).toEqual(broker.spec.volume_claim_template);
});

test("only a file that is read at the start replaces pods", () => {
  const changed = (path: RegExp) => {
    const files = deploy().plan.resource.kubernetes_config_map_v1;
    const [{ data }] = Object.values(files).filter(({ metadata }) => metadata.name === "dev-mqtt-broker");
    return Object.keys(data).filter((key) => path.test(key));
  };
  expect(changed(/members\.list/)).toEqual(["members.list"]);
  // Neither the list of members, which is read each time, nor the pool's file, which is reloaded.
  expect(Object.keys(broker.spec.template.metadata.annotations)).toEqual([
    "checksum/broker.conf",
    "checksum/cookie",
    "checksum/fixed.conf",
    "checksum/users.conf",
  ]);
  expect(balancer.spec.template.metadata.annotations).toEqual({});
});

describe("options", () => {
  test("measures of safety can be switched off one by one", () => {
    const off = deploy({
      hardening: {
        nonRoot: false,
        readOnlyRootFilesystem: false,
        dropCapabilities: false,
        seccomp: false,
        networkPolicies: false,
        disruptionBudgets: false,
        resources: false,
      },
    }).plan;
    const pod = podOf(only(off, "stateful_set_v1"));
    expect(pod.security_context).toEqual({ fs_group: 999, fs_group_change_policy: "OnRootMismatch" });
    expect(pod.container[0].security_context).toEqual({});
    expect(pod.container[0].resources).toEqual({});
    expect(off.resource.kubernetes_network_policy_v1).toBeUndefined();
    expect(off.resource.kubernetes_pod_disruption_budget_v1).toBeUndefined();
  });

  test("the clients' service is of the type that is asked for", () => {
    const { resource } = deploy({
      clients: {
        type: "LoadBalancer",
        annotations: { "example.com/scheme": "internal-${x}" },
        sourceRanges: ["203.0.113.0/24"],
        nodePorts: { mqtt: 31883 },
        hostName: "mqtt.example.com",
      },
    }).plan;
    const clients = Object.values(resource.kubernetes_service_v1).find(
      ({ metadata }) => metadata.name === "dev-mqtt-clients",
    ) as PlannedObject;
    expect({
      annotations: clients.metadata.annotations,
      spec: clients.spec,
      timeouts: clients.timeouts,
    }).toMatchSnapshot();
  });

  test("resources are what the definition says, what is said of the program, or what it is expected to need", () => {
    const resources = (target: object) => podOf(only(deploy(target).plan, "stateful_set_v1")).container[0].resources;
    expect(resources({})).toEqual({
      requests: { memory: "512Mi", cpu: "500m" },
      limits: { memory: "512Mi", cpu: "1500m" },
    });
    const own = { memoryRequest: "1GB", memoryLimit: "2GB", cpuRequest: 1, cpuLimit: 2 };
    expect(resources({ resources: { rabbitmq: own } })).toEqual({
      requests: { memory: "1Gi", cpu: "1" },
      limits: { memory: "2Gi", cpu: "2" },
    });
  });

  test("a namespace is made, or looked up", () => {
    expect(Object.keys(deploy().plan.data ?? {})).toEqual(["kubernetes_namespace_v1"]);
    const made = deploy({ createNamespace: true, storage: { whenDestroyed: "delete" } }).plan;
    expect(made.data).toBeUndefined();
    expect(only(made, "namespace_v1").metadata).toMatchObject({
      name: "mqtt",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    });
  });

  test("what must be there is looked up by the plan, unless nobody may", () => {
    const target = { storage: { storageClass: "fast" }, scheduling: { priorityClass: "high" } };
    expect(Object.keys(deploy(target).plan.data ?? {}).sort()).toEqual([
      "kubernetes_namespace_v1",
      "kubernetes_resources",
      "kubernetes_storage_class_v1",
    ]);
    expect(deploy({ ...target, lookUp: false }).plan.data).toBeUndefined();
  });
});

test("objects of others' kinds are a release of Helm, whose plan needs no such kind", () => {
  const { resource, provider } = deploy(
    {},
    {
      objects: [
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          definition: "prometheusrules.monitoring.coreos.com",
          name: "dev-mqtt",
          labels: { release: "prometheus" },
          spec: { groups: [{ name: "a", rules: [{ alert: "A", expr: "${x} == 1" }] }] },
        },
      ],
    },
  ).plan;
  const [release] = Object.values(resource.helm_release);
  expect(release.values).toMatchSnapshot();
  expect(Object.keys(provider)).toEqual(["helm", "kubernetes"]);
});
