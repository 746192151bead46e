/** What Terraform is given, for people to read. What a swarm makes of it is in test/e2e. */
import { TerraformStack, Testing } from "cdktf";
import { type DockerSwarmTargetProps, MqttCluster, Target } from "../../../src";
import { fullProps } from "../../support/definitions";
import {
  type Changes,
  deploy,
  hostNamed,
  hosts,
  type Plan,
  type PlannedObject,
  platformAt,
  workloadsAt,
} from "./deploy";

const { plan, deployment } = deploy();
const {
  docker_service: services,
  docker_config: configs,
  docker_secret: secrets = {},
  terraform_data: data,
} = plan.resource;

const container = ({ task_spec }: PlannedObject): PlannedObject => task_spec.container_spec;
const brokerOf = (target: DockerSwarmTargetProps, changes?: Changes) =>
  deploy(target, changes).plan.resource.docker_service["broker-1"];
const stepsOf = (...ids: string[]): PlannedObject[] =>
  ids.flatMap((id) => data[id].provisioner.map((step: PlannedObject) => step["local-exec"]));

test("one service of a program that uses every part of the contract", () => {
  expect(services["broker-2"]).toMatchSnapshot();
});

test("a service that keeps no data and is no member", () => {
  const { name, task_spec, update_config, rollback_config, ...rest } = services["balancer-1"];
  expect({ name, container_spec: container({ task_spec }), ...rest }).toMatchSnapshot();
});

test("logical ids, names and variables are a contract with every state file", () => {
  const withoutHash = (name = "") => name.replace(/-[0-9a-f]{8}-\$\{.*\}$/, "-(hash)-(time)");
  expect({
    provider: plan.provider,
    variables: Object.keys(plan.variable ?? {}),
    resources: Object.fromEntries(
      Object.entries<Record<string, PlannedObject>>(plan.resource).map(([type, resources]) => [
        type,
        Object.fromEntries(Object.entries(resources).map(([id, { name }]) => [id, withoutHash(name)])),
      ]),
    ),
    instances: Object.keys(data.placed.for_each),
  }).toMatchSnapshot();
});

test("what is made comes back in an order that people expect", () => {
  const ids = deployment.resources.map(({ node }) => node.id);
  const instances = ["broker-1", "broker-2", "broker-3", "balancer-1", "balancer-2"];
  expect(ids.slice(0, 12)).toEqual([...instances, ...instances.map((name) => `updated-${name}`), "placed", "data"]);
  expect(deployment.secretVariables).toEqual(["some_cookie", "some_password", "user_password"]);
});

describe("what waits for what", () => {
  const before = ["terraform_data.preflight", "docker_network.network", "terraform_data.data"];
  const brokers = ["broker-1", "broker-2", "broker-3"].map((name) => `terraform_data.updated-${name}`);

  test("instances for the one before, so that a change is rolled, and workloads for all of those before them", () => {
    const waiting = Object.entries(services).map(([id, { depends_on }]) => [id, depends_on]);
    expect(Object.fromEntries(waiting)).toEqual({
      "broker-1": before,
      "broker-2": [...before, brokers[0]],
      "broker-3": [...before, brokers[1]],
      "balancer-1": [...before, ...brokers],
      "balancer-2": [...before, ...brokers, "terraform_data.updated-balancer-1"],
    });
  });

  test("also those that could be started together: a roll is one after another", () => {
    const { docker_service } = deploy(hosts(2), { broker: { startOrder: "together" } }).plan.resource;
    expect(docker_service["broker-2"].depends_on).toContain("terraform_data.updated-broker-1");
  });

  test("a change is watched whenever there is one: of the task, or of a file of it", () => {
    const watched = (changes: Changes = {}, target = hosts(3)) =>
      deploy(target, changes).plan.resource.terraform_data["updated-broker-1"].triggers_replace;
    const before = watched();
    expect(watched()).toEqual(before);
    expect(watched({}, hosts(4))).toEqual(before);
    const [{ "local-exec": step }] = data["updated-broker-1"].provisioner;
    expect(step.environment.SCRIPT).toMatch(/\{\nawait_update dev-mqtt-broker-1\n\} <\/dev\/null\n$/);
    expect(before.slice(1)).toEqual(
      [...container(services["broker-1"]).configs, ...container(services["broker-1"]).secrets].map(
        ({ config_id, secret_id }: PlannedObject) => config_id ?? secret_id,
      ),
    );
    expect(watched({ broker: { image: "example/other:1" } })[0]).not.toBe(before[0]);
  });

  test("nothing is changed before the swarm was looked at", () => {
    for (const made of [...Object.values(configs), ...Object.values(secrets), plan.resource.docker_network.network]) {
      expect(made.depends_on).toEqual(["terraform_data.preflight"]);
    }
    expect(data.data.depends_on).toEqual(["terraform_data.preflight"]);
  });

  // Destroyed the other way round: an instance leaves and stops first, then its service goes, then its data.
  test("instances leave and stop while everything is still there", () => {
    expect([...data.placed.depends_on].sort()).toEqual(Object.keys(services).map((id) => `docker_service.${id}`));
  });
});

describe("files", () => {
  const files = Object.entries({ ...configs, ...secrets });

  test("secrets are for their program alone, and plain files are nobody's secret", () => {
    const { secrets: own, configs: plain } = container(services["broker-1"]);
    expect(own.map(({ file_name }: PlannedObject) => file_name)).toEqual([
      "/opt/broker/configuration/broker.conf",
      "/opt/broker/configuration/.cookie",
      "/opt/broker/configuration/rules/users.conf",
    ]);
    expect(own).toEqual(own.map(() => expect.objectContaining({ file_mode: 256, file_uid: "999", file_gid: "999" })));
    expect(plain.map(({ file_name, file_mode }: PlannedObject) => [file_name, file_mode])).toEqual([
      ["/opt/broker/configuration/fixed.conf", 0o444],
      ["/opt/broker/configuration/members.list", 0o444],
      ["/run/mqtt-cluster/first-process", 0o444],
    ]);
  });

  test("a file that its program must own is a secret, whatever is in it", () => {
    const file = { path: "/a/.cookie", content: "plain", mode: 0o400, onChange: "restart" as const };
    const made = (mustBeOwnedByProgram: boolean) =>
      Object.keys(deploy(hosts(1), { broker: { files: [{ ...file, mustBeOwnedByProgram }] } }).plan.resource);
    expect(made(true)).toContain("docker_secret");
    expect(made(false)).not.toContain("docker_secret");
  });

  // The old one is in use until its services have the new one, and cannot be changed.
  test.each(files)("%s is made anew under another name when it changes", (_id, file) => {
    expect(file.name).toMatch(
      /^dev-mqtt-(broker|balancer)-[0-9a-f]{8}-\$\{formatdate\("YYYYMMDDhhmmss", timestamp\(\)\)\}$/,
    );
    expect(file.lifecycle).toEqual({ create_before_destroy: true, ignore_changes: ["name"] });
  });

  test("another content is another name, and the same one is the same", () => {
    const nameWith = (content: string) => {
      const file = { path: "/a/x.conf", content, mode: 0o444, onChange: "restart" as const };
      return deploy(hosts(1), { pool: { files: [file] } }).plan.resource.docker_config["balancer-xconf"].name;
    };
    expect(nameWith("a")).toBe(nameWith("a"));
    expect(nameWith("a")).not.toBe(nameWith("b"));
  });

  test("the longest names fit into what Docker allows", () => {
    const { platform } = platformAt(hosts(1));
    const placement = platform.place("a".repeat(30), [{ workload: "broker", count: 1 }]);
    const [broker] = workloadsAt(placement);
    const own = broker.files.map((file) => ({ ...file, onlyFor: "broker-1" }));
    const stack = new TerraformStack(Testing.app(), "dev");
    platform.deploy(stack, placement, [{ ...broker, files: own }], []);
    const { docker_config, docker_secret }: Plan["resource"] = JSON.parse(Testing.synth(stack)).resource;
    for (const { name } of [...Object.values(docker_config), ...Object.values(docker_secret ?? {})]) {
      expect(name.replace(/\$\{.*\}/, "20260101000000").length).toBeLessThanOrEqual(64);
    }
  });

  test("a file for one instance is in no other", () => {
    const file = (onlyFor: string) => ({
      path: "/a/peers.conf",
      content: onlyFor,
      mode: 0o444,
      onlyFor,
      onChange: "nothing" as const,
    });
    const { resource, locals } = deploy(hosts(2), { broker: { files: [file("broker-1"), file("broker-2")] } }).plan;
    const idsOf = (name: string) =>
      container(resource.docker_service[name]).configs.map(({ config_id }: PlannedObject) => config_id);
    expect(idsOf("broker-1")[0]).toBe("${docker_config.broker-1-peersconf.id}");
    expect(idsOf("broker-2")[0]).toBe("${docker_config.broker-2-peersconf.id}");
    expect(locals["broker-2-peersconf-text"]).toBe("broker-2");
  });

  test("the value of a secret stands in a secret of the swarm, and nowhere else", () => {
    const secret = /\$\{[^}]*var\./;
    const texts = Object.entries(plan.locals).filter(([, text]) => secret.test(text));
    expect(texts.map(([id]) => id).sort()).toEqual(Object.keys(secrets).map((id) => `${id}-text`));
    const { "secret-rules": _rules, ...steps } = data;
    expect(JSON.stringify([services, configs, steps])).not.toMatch(secret);
    // Of a step: it would reach whatever the step starts.
    for (const step of stepsOf("preflight", "data", "placed", "updated-broker-1")) {
      const keys = ["command", "environment", "quiet", ...(step.when ? ["when"] : [])];
      expect(Object.keys(step).sort()).toEqual(keys);
      expect(step.command).toBe("printf '%s' \"$SCRIPT\" | DOCKER_HOST=unix:///var/run/docker.sock sh -s");
    }
  });
});

describe("ports", () => {
  const portsOf = (target: DockerSwarmTargetProps) => brokerOf(target).endpoint_spec.ports;
  const shown = (number: number, name: string) => ({
    name,
    protocol: "tcp",
    publish_mode: "host",
    published_port: number,
    target_port: number,
  });

  test("those of clients are shown by the host, and those of operators only if wanted", () => {
    expect(portsOf(hosts(1))).toEqual([shown(1883, "mqtt")]);
    expect(portsOf(hosts(1, { publishOperatorPorts: true }))).toEqual([shown(1883, "mqtt"), shown(18083, "dashboard")]);
  });

  test("no service has a virtual address", () => {
    const modes = Object.values(services).map(({ endpoint_spec }) => endpoint_spec.mode);
    expect(modes).toEqual(modes.map(() => "dnsrr"));
  });

  test("endpoints are the hosts, by address or by name", () => {
    const brokers = { "broker-1": { constraint: "node.labels.member==1", address: "mqtt.example.com" } };
    const urls = ({ endpoints }: typeof deployment) => endpoints.map(({ url, boundTo }) => `${url} at ${boundTo}`);
    expect(urls(deploy(hosts(0, { brokers })).deployment)).toEqual([
      "mqtt://mqtt.example.com:1883 at node.labels.member==1:1883",
      "mqtt://front1:883 at node.hostname==front1:883",
      "mqtt://front2:883 at node.hostname==front2:883",
    ]);
  });

  test.each<[string, DockerSwarmTargetProps]>([
    ["http://prometheus.dev-mqtt.internal:9090", { monitoring: hostNamed("ops") }],
    ["http://ops:9090", { monitoring: hostNamed("ops"), publishOperatorPorts: true }],
    [
      "http://192.0.2.9:9090",
      { monitoring: { ...hostNamed("ops"), address: "192.0.2.9" }, publishOperatorPorts: true },
    ],
  ])("messages link to where operators reach it: %s", (url, target) => {
    expect(platformAt(target).placement.operatorUrl("prometheus", 9090)).toBe(url);
  });
});

describe("the network", () => {
  const network = (more: Partial<DockerSwarmTargetProps> = {}) =>
    deploy(hosts(1, more)).plan.resource.docker_network.network;

  test("is an overlay of its own, encrypted if wanted", () => {
    expect(network()).toMatchObject({ name: "dev-mqtt", driver: "overlay", attachable: true });
    expect(network()).not.toHaveProperty("options");
    expect(network({ encryptNetwork: true }).options).toEqual({ encrypted: "" });
  });

  test("has the name and the subnet that are given", () => {
    const { name, ipam_config } = network({ network: "plant", subnet: "172.30.0.0/24" });
    expect([name, ipam_config]).toEqual(["plant", [{ subnet: "172.30.0.0/24" }]]);
  });
});

test("an instance with data is made anew when it gets another host, and none of the others", () => {
  const replacing = Object.entries(services).map(([id, { lifecycle }]) => [id, lifecycle?.replace_triggered_by]);
  expect(Object.fromEntries(replacing)).toEqual({
    "broker-1": ['terraform_data.data["broker-1"].id'],
    "broker-2": ['terraform_data.data["broker-2"].id'],
    "broker-3": ['terraform_data.data["broker-3"].id'],
    "balancer-1": undefined,
    "balancer-2": undefined,
  });
});

test("without data there is nothing to be looked after, in blocks that are there for what was", () => {
  const { terraform_data } = deploy(hosts(2), { broker: { data: [], membership: undefined } }).plan.resource;
  expect([terraform_data.data.for_each, terraform_data.placed.for_each]).toEqual([{}, {}]);
});

describe("a program of an image with other users", () => {
  const target = hosts(1, { images: { rabbitmq: "mine/rabbitmq:1" }, userIds: { rabbitmq: 100 } });
  const own = container(brokerOf(target));

  test("runs as that one and reads its files", () => {
    expect([own.image, own.user]).toEqual(["mine/rabbitmq:1", "100:100"]);
    const owners = [...own.secrets, ...own.configs].map(({ file_uid, file_gid }) => `${file_uid}:${file_gid}`);
    expect(owners).toEqual(owners.map(() => "100:100"));
  });

  test("leaves others as they are", () => {
    expect(container(deploy(target).plan.resource.docker_service["balancer-1"]).user).toBe("998:998");
  });
});

describe("instances that keep data", () => {
  const entry = {
    cluster: "dev-mqtt",
    instance: "broker-2",
    host: "broker-2.dev-mqtt.internal",
    constraint: "node.hostname==dock2",
    volumes: "dev-mqtt-broker-2-data",
  };

  test.each(["placed", "data"])("%s: one for each, made anew when it gets another host", (id) => {
    const { for_each, input, triggers_replace } = data[id];
    expect(for_each["broker-2"]).toEqual(entry);
    expect(input).toEqual(Object.fromEntries(Object.keys(entry).map((key) => [key, `\${each.value.${key}}`])));
    expect(triggers_replace).toEqual(["${each.value.constraint}", "${each.value.volumes}"]);
  });

  test("a step of destruction knows nothing but what the instance was made with", () => {
    const [checkNoData, removeData, leave] = stepsOf("data", "placed");
    expect([checkNoData.when, removeData.when, leave.when]).toEqual([undefined, "destroy", "destroy"]);
    for (const { environment } of [removeData, leave]) {
      const references: string[] = environment.SCRIPT.match(/(?<![$])[$]\{[^}]*\}/g);
      expect(references.filter((reference) => !reference.startsWith("${self.input."))).toEqual([]);
    }
    const callOf = ({ environment: { SCRIPT } }: PlannedObject) => SCRIPT.slice(SCRIPT.lastIndexOf("\n{\n") + 1);
    expect([checkNoData, removeData, leave].map(callOf)).toMatchSnapshot();
  });

  test("what steps are told of the cluster", () => {
    const [{ environment }] = stepsOf("preflight");
    expect(environment.SCRIPT.slice(0, environment.SCRIPT.indexOf("# shellcheck shell=sh"))).toMatchSnapshot();
  });

  test("the swarm is looked at again when anything is wanted otherwise", () => {
    const triggers = (target: DockerSwarmTargetProps) => deploy(target).plan.resource.terraform_data.preflight;
    expect(triggers(hosts(3))).toEqual(data.preflight);
    expect(triggers(hosts(3, { managers: 1 })).triggers_replace).not.toBe(data.preflight.triggers_replace);
  });
});

test("a manager behind SSH is given the script, and nothing else is asked of it", () => {
  const host = "ssh://deploy@swarm.example.com:2222";
  const { provider, resource } = deploy(hosts(1, { host, sshOptions: ["-i", "/keys/my ${key}"] })).plan;
  expect(provider.docker).toEqual([{ alias: "dev-mqtt", host, ssh_opts: ["-i", "/keys/my $${key}"] }]);
  const commands: string[] = Object.values(resource.terraform_data).flatMap(({ provisioner = [] }) =>
    provisioner.map((step: PlannedObject) => step["local-exec"].command),
  );
  expect(commands).toHaveLength(7);
  for (const command of commands) {
    expect(command).toBe(
      "printf '%s' \"$SCRIPT\" | ssh -i '/keys/my $${key}' -o ServerAliveInterval=15 -l deploy -p 2222 -- swarm.example.com 'sh -s'",
    );
  }
});

test("a registry that asks for a login is told to the swarm, too", () => {
  const target = hosts(1, { registry: "registry.example.com/mirror", registryLogin: true });
  const { provider, resource } = deploy(target).plan;
  expect(provider.docker[0].registry_auth).toEqual([{ address: "registry.example.com" }]);
  const [{ "local-exec": step }] = resource.terraform_data.preflight.provisioner;
  expect(step.environment.SCRIPT).toContain("\nregistry_auth='--with-registry-auth'\n");
  expect(step.environment.SCRIPT).toContain("\ntools='registry.example.com/mirror/docker:28-cli'\n");
});

test("limits and one manager are said to people", () => {
  const summary = (managers: number) => {
    const target = Target.dockerSwarm({
      ...hosts(3, { managers }),
      sessionStore: hostNamed("a"),
      monitoring: hostNamed("a"),
      balancers: { "balancer-1": hostNamed("front1") },
    });
    return new MqttCluster(new TerraformStack(Testing.app(), "dev"), "mqtt", { ...fullProps(), target }).summary;
  };
  expect(summary(3)).toContain("A swarm sets no limit of open files");
  expect(summary(3)).not.toContain("With one manager");
  expect(summary(1)).toContain("With one manager the swarm is down when it is");
});

describe("fails if two programs meet at a port of one host", () => {
  const ports = [{ name: "mqtt", number: 1883, audience: "clients" as const }];
  const meet = (target: DockerSwarmTargetProps, changes?: Changes) => {
    const { platform } = platformAt(target);
    const placement = platform.place("dev-mqtt", [
      { workload: "broker", count: 1 },
      { workload: "balancer", count: 1 },
    ]);
    return platform
      .checkWorkloads(workloadsAt(placement, changes), [])
      .map(({ path, value, message }) => `${path} = ${value}: ${message}`);
  };

  test("of different workloads", () => {
    const target = hosts(1, { balancers: { "balancer-1": hostNamed("dock1") } });
    expect(meet(target)).toEqual([]);
    expect(meet(target, { pool: { ports } })).toEqual([
      'target.balancers.balancer-1 = "node.hostname==dock1:1883": is wanted by broker-1 (mqtt) and by balancer-1 (mqtt): give one of them another host, or change a listener\'s port',
    ]);
  });

  test("but not if the host shows only one of them", () => {
    const target = hosts(1, { balancers: { "balancer-1": hostNamed("dock1") } });
    expect(meet(target, { pool: { ports: [{ ...ports[0], audience: "cluster" }] } })).toEqual([]);
    const operators = { pool: { ports: [{ ...ports[0], audience: "operators" as const }] } };
    expect(meet(target, operators)).toEqual([]);
    expect(meet({ ...target, publishOperatorPorts: true }, operators)).toHaveLength(1);
  });

  test("nor if they may be on any of several", () => {
    const front = { constraint: "node.labels.front==1", address: "mqtt.example.com" };
    expect(meet(hosts(1, { balancers: { "balancer-1": front, "balancer-2": front } }))).toEqual([]);
  });
});
