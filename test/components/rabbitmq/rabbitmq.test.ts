import { Access, Balancer, Broker, type RabbitmqBrokerProps, Secret, SessionStore } from "../../../src";
import { rabbitmqInterface, rabbitmqWorkload } from "../../../src/components/rabbitmq/rabbitmq";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { InvalidDefinitionError } from "../../../src/definition/problems";
import { fullDefinition, packagePlacement, testPlacement } from "../../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { restartingParts } from "../../support/restarting-parts";

const ACCESS = Access.passwords({
  users: [
    { name: "sensors", password: Secret.variable("sensors_password") },
    { name: "idle", password: Secret.variable("idle_password") },
  ],
  rules: [
    { users: ["sensors"], action: "publish", topics: ["sensors/${username}/#"] },
    { users: ["sensors"], action: "all", topics: ["rooms/+/light"] },
  ],
});

function defined(broker: RabbitmqBrokerProps, more: Partial<ClusterDefinitionProps> = {}) {
  return fullDefinition({
    broker: Broker.rabbitmq(broker),
    sessionStore: SessionStore.builtIn(),
    access: ACCESS,
    ...more,
  });
}

function workload(broker: RabbitmqBrokerProps = {}, more: Partial<ClusterDefinitionProps> = {}) {
  return rabbitmqWorkload(defined(broker, more), testPlacement({ broker: broker.nodes ?? 3 }));
}

const fileOf = (name: string, ...args: Parameters<typeof workload>) =>
  workload(...args).files.find(({ path }) => path.endsWith(name))!.content;
const conf = (...args: Parameters<typeof workload>) => fileOf("rabbitmq.conf", ...args).split("\n");

test("every file", () => {
  for (const { path, mode, content } of workload().files) {
    expect(`# ${path} 0${mode.toString(8)}\n${content}`).toMatchSnapshot(path);
  }
});

describe("rabbitmq.conf has the keys of its version", () => {
  test.each(["3.10.8", "3.12.14"])("%s", (version) => {
    const lines = conf({ version, mqtt: { sessionExpiry: "1h" } });
    expect(lines).toContain("mqtt.subscription_ttl = 3600000");
    expect(lines.join()).not.toMatch(/max_session_expiry|max_packet_size/);
  });

  test.each(["3.13.0", "4.1.8", "4.3.5"])("%s", (version) => {
    const lines = conf({ version, mqtt: { sessionExpiry: "1h", maxPacketSize: "16KB" } });
    expect(lines).toEqual(
      expect.arrayContaining([
        "mqtt.max_session_expiry_interval_seconds = 3600",
        "mqtt.max_packet_size_authenticated = 16384",
        "mqtt.max_packet_size_unauthenticated = 16384",
      ]),
    );
    expect(lines.join()).not.toContain("subscription_ttl");
  });
});

test("with a memory limit the watermark is of the limit", () => {
  expect(conf({ memory: "1GB", memoryHighWatermark: 0.5 })).toContain("vm_memory_high_watermark.absolute = 536870912");
  expect(conf()).toContain("vm_memory_high_watermark.relative = 0.4");
});

test("a single node knows itself only, and keeps its sessions itself", () => {
  const lines = conf({ nodes: 1 });
  expect(fileOf("peers.conf", { nodes: 1 })).toMatch(
    /^[^\n]+ = classic_config\n[^\n]+\.nodes\.1 = rabbit@broker-1\.[^\n]+\n$/,
  );
  expect(lines).toContain("mqtt.durable_queue_type = classic");
});

test("without a balancer clients come directly, and no listener wants a PROXY header", () => {
  const more = { balancer: Balancer.none() };
  expect(conf({}, more).filter((line) => line.includes("proxy_protocol"))).toEqual([
    "mqtt.proxy_protocol = false",
    "web_mqtt.proxy_protocol = false",
  ]);
  const audiences = (...args: Parameters<typeof workload>) =>
    workload(...args)
      .ports.filter(({ scheme }) => scheme)
      .map(({ audience }) => audience);
  expect(audiences({}, more)).toEqual(["clients", "clients"]);
  expect(audiences()).toEqual(["cluster", "cluster"]);
});

test("no WebSocket when it is switched off", () => {
  const broker = { listeners: { wsPort: 0 } };
  expect(`${conf(broker)}${fileOf("enabled_plugins", broker)}`).not.toContain("web_mqtt");
  expect(rabbitmqInterface(defined(broker)).ws).toBeUndefined();
});

test("two of three nodes may hold all connections", () => {
  expect(workload({}, { clients: { maxConnections: 80_000 } }).process).toMatchObject({
    openFiles: 84_096,
    environment: { ERL_MAX_PORTS: "84096" },
  });
});

test("a user whom no rule names may do nothing", () => {
  const { topic_permissions } = JSON.parse(fileOf("definitions.json"));
  expect(topic_permissions).toContainEqual(
    expect.objectContaining({ user: "idle", exchange: "amq.topic", write: "(?!)", read: "(?!)" }),
  );
});

/** What is said about a definition, one line for each problem. */
function problems(...args: Parameters<typeof defined>): string[] {
  try {
    return defined(...args) && [];
  } catch (error) {
    return (error as InvalidDefinitionError).problems;
  }
}

test("more topics than fit into one pattern are listed with all other problems, and the user named", () => {
  const access = Access.passwords({
    users: [
      { name: "many", password: Secret.variable("p") },
      { name: "few", password: Secret.variable("q") },
    ],
    rules: [
      { users: ["many"], action: "publish", topics: Array.from({ length: 60 }, (_, n) => `building/${n}/light`) },
      { users: ["few"], action: "all", topics: ["building/+/light"] },
    ],
  });
  expect(problems({ memoryHighWatermark: 40 }, { access })).toEqual([
    expect.stringMatching(/^broker\.memoryHighWatermark/),
    expect.stringMatching(/^access\.rules = "?many"?: .* may publish .* 1024/),
  ]);
});

describe("what a split does", () => {
  const handling = (broker: RabbitmqBrokerProps) => conf(broker).filter((line) => line.includes("partition_handling"));
  const described = (version: string) => JSON.stringify([workload({ version }).alerts, workload({ version }).notes]);

  test("before 4.2 a node without a majority pauses, unless it is to heal", () => {
    expect(handling({ version: "4.1.8" })).toEqual(["cluster_partition_handling = pause_minority"]);
    expect(handling({ version: "4.1.8", partitionHandling: "autoheal" })).toEqual([
      "cluster_partition_handling = autoheal",
    ]);
    expect(described("4.1.8")).toContain("has paused itself");
    expect(JSON.stringify(workload({ version: "4.1.8", partitionHandling: "autoheal" }).alerts)).not.toContain(
      "paused",
    );
  });

  test.each(["4.2.0", "4.2.9", "4.3.5"])("%s has no choice", (version) => {
    expect(handling({ version })).toEqual([]);
    expect(described(version)).not.toContain("paused itself");
    expect(described(version)).toContain("until it sees the majority again");
    expect(problems({ version, partitionHandling: "pause_minority" })).toEqual([
      expect.stringMatching(/^broker\.partitionHandling = "pause_minority": .* has no such choice/),
    ]);
  });

  test("a node that lets no new clients in is one of 4.2.5 or later", () => {
    expect(described("4.2.4")).not.toContain("lets no new ones in");
    expect(described("4.2.5")).toContain("lets no new ones in");
  });
});

test("the noise of HAProxy's checks is told, and grows with their number", () => {
  const noise = (balancer: Balancer) => workload({}, { balancer }).notes.filter((note) => note.includes("lines a day"));
  expect(noise(Balancer.haproxy())).toEqual([expect.stringContaining("86,400 lines a day")]);
  expect(noise(Balancer.haproxy({ replicas: 2 }))).toEqual([expect.stringContaining("172,800 lines a day")]);
  expect([...noise(Balancer.nginx()), ...noise(Balancer.none())]).toEqual([]);
});

describe("topics that RabbitMQ would read otherwise are refused", () => {
  const refusal = (version: string, topic: string) => {
    const access = Access.passwords({
      users: [{ name: "u", password: Secret.variable("p") }],
      rules: [{ action: "all", topics: [topic] }],
    });
    try {
      return (
        fullDefinition({ broker: Broker.rabbitmq({ version }), sessionStore: SessionStore.builtIn(), access }) && ""
      );
    } catch (error) {
      return error instanceof InvalidDefinitionError ? error.message : String(error);
    }
  };

  test("${clientid}, before RabbitMQ escapes it", () => {
    expect(refusal("4.2.3", "a/${clientid}")).toMatch(/access\.rules\[0\]\.topics\[0\].*4\.2\.4 or later/s);
    expect(refusal("4.2.4", "a/${clientid}")).toBe("");
  });

  test("*", () => {
    expect(refusal("4.2.9", "a/*")).toContain('must not contain "*"');
  });
});

describe("as a package", () => {
  const packaged = (broker: RabbitmqBrokerProps, more: Partial<ClusterDefinitionProps> = {}) =>
    rabbitmqWorkload(defined(broker, more), packagePlacement({ broker: broker.nodes ?? 3 }));

  test.each(["3.10.8", "4.2.9"])("%s: a node that comes or goes restarts no other", (version) => {
    const more = { clients: { maxConnections: 80_000 } };
    const parts = (nodes: number) => restartingParts(packaged({ version, nodes }, more));
    expect(parts(5)).toEqual(parts(3));
    expect(parts(7)).toEqual(parts(3));
  });

  test("a single node keeps its sessions where they can stay when others join", () => {
    const config = packaged({ nodes: 1 }).files.find(({ path }) => path.endsWith("/rabbitmq.conf"));
    expect(config?.content).toContain("mqtt.durable_queue_type = quorum\n");
  });

  test("every file", () => {
    for (const { path, mode, onChange, content } of packaged({}).files.filter(
      ({ path }) => !/(?:definitions\.json|cookie|member-check)$/.test(path),
    )) {
      expect(`# ${path} 0${mode.toString(8)} ${onChange}\n${content}`).toMatchSnapshot(path);
    }
  });

  test("every path is in the folders of the placement", () => {
    const workload = packaged({});
    expect(workload.data.map(({ path }) => path)).toEqual(["/var/lib/mqtt-cluster/dev-mqtt/broker"]);
    expect(JSON.stringify(workload)).not.toMatch(/\/etc\/rabbitmq|\/var\/lib\/rabbitmq/);
    expect(workload.package).toMatchObject({ name: "rabbitmq-server", user: "rabbitmq", version: "4.2.9" });
  });

  test("more open files than the kernel's default are a setting of the host", () => {
    const { kernelParameters, process } = packaged(
      {},
      { balancer: Balancer.none(), clients: { maxConnections: 2_000_000 } },
    );
    expect(kernelParameters).toEqual([{ name: "fs.nr_open", value: String(process.openFiles) }]);
    expect(packaged({}).kernelParameters).toEqual([]);
  });

  describeWithPrograms(["shellcheck"], "its script", () => {
    const folder = temporaryFolder();

    test("has no weak spot", () => {
      const { content } = packaged({}).files.find(({ path }) => path.endsWith("/membership"))!;
      const path = writeFile(folder, "membership", content);
      expect(run("shellcheck", ["--shell=sh", path])).toEqual({ status: 0, output: "" });
    });
  });
});
