/** What the hosts of `Target.vms()` have against each other, the definition and the rest of the stack. */
import { TerraformOutput, TerraformStack, Testing } from "cdktf";
import {
  Balancer,
  cluster,
  complete,
  docker,
  emqx,
  host,
  Monitoring,
  MqttBalancer,
  MqttCluster,
  onHost,
  onHosts,
  only,
  onPair,
  problemsOf,
  RedisSessionStore,
  Secret,
  SessionStore,
  users,
  vms,
} from "../support/bad-input";

const SHA = "a".repeat(64);
const three = (hosts: object, others = {}) => onHosts({ brokers: hosts, ...others }, emqx({ nodes: 3 }));
const EVERYTHING = { monitoring: Monitoring.prometheus(), sessionStore: SessionStore.redis() };
const named = (address: string) => host(11, { address });
const packages = (given: object) => onHosts({ packages: given });
const brokers = (options: object[]) =>
  onHosts({ brokers: Object.fromEntries(options.map((more, index) => [`broker-${index + 1}`, host(11, more)])) });

test.each<[what: string, props: object, ...lines: string[]]>([
  // As many hosts as the definition wants
  [
    "no hosts",
    { ...onHosts({}, EVERYTHING), ...vms({}) },
    "target.brokers = (missing): must be as many hosts as broker.nodes: there are none, and 1 wanted",
    "target.balancers = (missing): must be as many hosts as balancer.replicas: there are none, and 1 wanted",
    "target.sessionStore = (missing): must be a host for Redis, which sessionStore asks for",
    "target.monitoring = (missing): must be a host for Prometheus and Alertmanager; or switch them off with Monitoring.none()",
  ],
  [
    "too few hosts",
    onPair({ brokers: { "broker-2": host(12) }, balancers: { "balancer-2": host(22) } }),
    "target.balancers = (an object with balancer-2): must be as many hosts as balancer.replicas: there are 1, and 2 wanted",
  ],
  [
    "too many hosts",
    brokers([{}, { address: "10.0.0.12" }, { address: "10.0.0.13" }]),
    "target.brokers = (an object with broker-1, broker-2, broker-3): must be as many hosts as broker.nodes: there are 3, and 1 wanted",
  ],
  [
    "a balancer that nobody wants",
    onHosts({}, { balancer: Balancer.none() }),
    "target.balancers = (an object with balancer-1): must be as many hosts as balancer.replicas: there are 1, and none wanted",
  ],
  // What hosts have against each other
  [
    "two brokers on one host",
    three({ "broker-1": host(11), "broker-2": host(12), "broker-3": host(11) }),
    'target.brokers.broker-3 = "10.0.0.11": is the host of brokers.broker-1 as well: the two would die together',
  ],
  [
    "two brokers on one private address",
    three({
      "broker-1": host(11, { privateAddress: "10.1.0.1" }),
      "broker-2": host(12, { privateAddress: "10.1.0.1" }),
      "broker-3": host(13),
    }),
    'target.brokers.broker-2 = "10.1.0.1": is the host of brokers.broker-1 as well',
    'target.brokers.broker-2.address = "10.0.0.12": differs from brokers.broker-1, which is the same host',
  ],
  [
    "two balancers on one host",
    onPair({}, { address: "10.0.0.21" }),
    'target.balancers.balancer-2 = "10.0.0.21": is the host of balancers.balancer-1 as well',
  ],
  [
    "one host told in two ways",
    onHosts(
      {
        balancers: { "balancer-1": host(11, { user: "deploy" }) },
        sessionStore: host(31),
        monitoring: host(31, { hostKey: "unchecked" }),
      },
      EVERYTHING,
    ),
    'target.balancers.balancer-1.user = "deploy": differs from brokers.broker-1, which is the same host',
    'target.monitoring.hostKey = "unchecked": differs from sessionStore, which is the same host',
  ],
  [
    "loopback among others",
    onHosts(
      {
        brokers: { "broker-1": host(11, { address: "127.0.0.1" }) },
        monitoring: host(31, { privateAddress: "localhost" }),
      },
      { monitoring: Monitoring.prometheus() },
    ),
    'target.brokers.broker-1.address = "127.0.0.1": is this host itself to every other one; give the address that they reach it by',
    'target.monitoring.privateAddress = "localhost": is this host itself to every other one',
  ],
  [
    "broker and balancer on one host",
    onHosts({ balancers: { "balancer-1": host(11) } }),
    'target.balancers.balancer-1 = "10.0.0.11:1883": is wanted by broker-1 (mqtt) and by balancer-1 (mqtt): give one of them another host, or change a listener\'s port',
    '"10.0.0.11:8083": is wanted by broker-1 (ws) and by balancer-1 (ws)',
    '"10.0.0.11:18083": is wanted by broker-1 (dashboard) and by balancer-1 (dashboard)',
  ],
  ...["LOCALHOST", "0.0.0.0", "localhost.localdomain"].map((address): [string, object, string] => [
    `${address} among others`,
    onHost({ address }),
    "target.brokers.broker-1.address = ",
  ]),
  [
    "one host name in two spellings",
    three({ "broker-1": named("a.example.com"), "broker-2": named("A.example.com"), "broker-3": host(13) }),
    'target.brokers.broker-2 = "a.example.com": is the host of brokers.broker-1 as well',
    'target.brokers.broker-2.address = "A.example.com": differs from brokers.broker-1',
  ],
  [
    "hosts that have nothing to run",
    onHosts({ sessionStore: host(31), monitoring: host(32) }),
    'target.sessionStore = "10.0.0.31": has nothing to run: brokers keep their sessions themselves; leave it out',
    'target.monitoring = "10.0.0.32": has nothing to run: the definition has Monitoring.none(); leave it out',
  ],
  [
    "an operator of Kubernetes",
    onHosts({}, { monitoring: Monitoring.prometheusOperator() }),
    'monitoring = "prometheusOperator": needs the Prometheus operator of a Kubernetes cluster, which a server does not have: take Monitoring.prometheus(), or Monitoring.none()',
  ],
  [
    "no host for what writes to an existing Redis",
    onHosts({}, { sessionStore: SessionStore.existingRedis({ host: "redis.example.com" }) }),
    "target.sessionStore = (missing): must be a host for Webdis, by which open-source EMQX reaches the Redis that sessionStore names",
  ],
  [
    "a host for an existing Redis",
    {
      ...onHosts(
        { sessionStore: host(31) },
        { sessionStore: SessionStore.existingRedis({ host: "redis.example.com" }) },
      ),
      ...emqx({ nodes: 1, version: "5.10.4" }),
    },
    'target.sessionStore = "10.0.0.31": has nothing to run: the Redis of SessionStore.existingRedis() runs elsewhere; leave it out',
  ],
  [
    "a virtual address that is a balancer's own",
    onPair({ virtualAddress: { address: "10.0.0.21/24", interface: "eth0" } }),
    'target.virtualAddress.address = "10.0.0.21/24": is the address of balancers.balancer-1; it must be one that no host has',
  ],
  // All at once
  [
    "one mistake beside others",
    three({ "broker-1": host(11), "broker-2": host(12), "broker-3": host(11) }, { ssh: { port: 0 } }),
    "target.ssh.port = 0",
    'target.brokers.broker-3 = "10.0.0.11": is the host of brokers.broker-1 as well',
  ],
  [
    "one mistake that leaves no other",
    onHosts({ ssh: { port: 0 }, sessionStore: host(31), monitoring: host(31) }, EVERYTHING),
    "target.ssh.port = 0",
  ],
  [
    "a wrong host is not missing",
    onHosts({ sessionStore: host(31, { port: 0 }), monitoring: { address: "a b" } }, EVERYTHING),
    "target.sessionStore.port = 0",
    'target.monitoring.address = "a b"',
    "target.monitoring.hostKey = (missing)",
  ],
  // What servers cannot honour
  [
    "secrets of Kubernetes",
    { ...onHosts(), ...users({ password: Secret.kubernetes("mqtt", "sensors") }) },
    'access.users[0].password = "Secret mqtt/sensors": is kept in a Kubernetes secret, which servers cannot read; use Secret.variable("…"), or Secret.file("…")',
  ],
])("%s", (_, props, ...lines) => {
  expect(problemsOf(cluster(props))).toEqual(only(...lines));
});

test.each<[what: string, props: object]>([
  [
    "a host of monitoring and Redis, and of a broker",
    {
      ...onHosts({ sessionStore: host(11), monitoring: host(11) }, EVERYTHING),
    },
  ],
  [
    "everything on one machine",
    onHosts(
      { brokers: { "broker-1": host(11, { address: "127.0.0.1" }) }, balancers: {} },
      { balancer: Balancer.none() },
    ),
  ],
  ["gaps between names", three({ "broker-2": host(12), "broker-5": host(15), "broker-9": host(19) })],
  [
    "a package of a program that is not used",
    packages({ rabbitmq: { url: "https://example.com:8443/a-1.2~3+b.deb", sha256: SHA } }),
  ],
  ["a secret in a file with an odd name", { ...onHosts(), ...users({ password: Secret.file("/etc/mqtt/$(id)*|&") }) }],
])("%s is fine", (_, props) => {
  expect(() => cluster(props)(new TerraformStack(Testing.app(), "dev"))).not.toThrow();
});

describe("single parts", () => {
  const { target } = vms({ sessionStore: host(31), balancers: { "balancer-1": host(21) } });

  test.each([
    ["a balancer", (s: TerraformStack) => new MqttBalancer(s, "b", { brokers: { hosts: ["10.0.0.11"] }, target })],
    ["a session store", (s: TerraformStack) => new RedisSessionStore(s, "r", { target })],
  ])("%s needs no hosts but its own", (_, make) => {
    expect(() => make(new TerraformStack(Testing.app(), "dev"))).not.toThrow();
  });

  test.each<[string, (s: TerraformStack) => unknown, string]>([
    [
      "a balancer",
      (s) => new MqttBalancer(s, "b", { brokers: { hosts: ["10.0.0.11"] }, ...vms({}) }),
      "target.balancers = (missing): must be as many",
    ],
    [
      "a session store",
      (s) => new RedisSessionStore(s, "r", vms({})),
      "target.sessionStore = (missing): must be a host for Redis",
    ],
  ])("%s needs that one", (_, make, line) => {
    expect(problemsOf(make)).toEqual(only(line));
  });
});

describe("user data", () => {
  const clusterOn = (props: object) =>
    new MqttCluster(new TerraformStack(Testing.app(), "dev"), "mqtt", { ...complete(), ...props });
  const servers = clusterOn(onHosts());

  test.each([undefined, null, "", "broker-2", "Broker-1", "__proto__", "constructor", "toString", 1])(
    "of %s",
    (name) => {
      expect(() => servers.userData(name)).toThrow(
        expect.objectContaining({
          name: "InvalidDefinitionError",
          problems: [expect.stringMatching(/^instance = .*: must be one of broker-1, balancer-1$/)],
        }),
      );
    },
  );

  // Told apart by the ports of their SSH.
  test("of two hosts behind one address", () => {
    const behind = (port: number, privateAddress: string) => host(1, { port, privateAddress });
    const stack = new TerraformStack(Testing.app(), "dev");
    const two = new MqttCluster(stack, "mqtt", {
      ...complete(),
      ...onHosts(
        {
          brokers: { "broker-1": behind(2201, "10.1.0.1") },
          balancers: {},
          monitoring: behind(2202, "10.1.0.2"),
        },
        { balancer: Balancer.none(), monitoring: Monitoring.prometheus() },
      ),
    });
    new TerraformOutput(stack, "script", { value: two.userData("prometheus") });
    const scripts = Object.values<string>(JSON.parse(Testing.synth(stack)).locals);
    expect(scripts.find((script) => script.includes('prometheus" boot'))).not.toContain('broker-1" boot');
  });

  test("on Docker", () => {
    expect(() => clusterOn(docker({})).userData("broker-1")).toThrow(
      expect.objectContaining({
        name: "InvalidDefinitionError",
        problems: ['instance = "broker-1": exists for Target.vms() only'],
      }),
    );
  });
});

describe("beside what the stack has already", () => {
  const second = (props: object) => (stack: TerraformStack) =>
    new MqttCluster(stack, "second", { ...complete(), ...props });
  const stackWithOne = () => {
    const stack = new TerraformStack(Testing.app(), "dev");
    cluster(onHosts())(stack);
    return stack;
  };

  test("a cluster that has the host", () => {
    expect(problemsOf(second(onHosts({ brokers: { "broker-1": host(12) } })), stackWithOne())).toEqual(
      only(
        'target.balancers.balancer-1 = "10.0.0.21:1883": is wanted by dev-mqtt (mqtt) and by balancer-1 (mqtt)',
        '"10.0.0.21:8083": is wanted by dev-mqtt (ws)',
        '"10.0.0.21:18083": is wanted by dev-mqtt (dashboard)',
      ),
    );
  });

  test("a cluster that keeps clear", () => {
    const props = onHosts({ brokers: { "broker-1": host(12) }, balancers: { "balancer-1": host(22) } });
    expect(() => second(props)(stackWithOne())).not.toThrow();
  });
});

describe("behind a bastion", () => {
  const ecdsa = `ecdsa-sha2-nistp256 ${Buffer.from("x".repeat(104)).toString("base64")}`;
  const rsa = `ssh-rsa ${Buffer.from("x".repeat(270)).toString("base64")}`;
  const behind = (key: string, bastionKey: string) =>
    onHosts(
      {
        ssh: { bastion: { address: "192.0.2.99", hostKey: bastionKey } },
        brokers: { "broker-1": host(11, { hostKey: key }) },
        balancers: {},
      },
      { balancer: Balancer.none() },
    );

  test.each([
    [ecdsa, "unchecked", "both, or neither"],
    ["unchecked", ecdsa, "both, or neither"],
    [rsa, rsa, "name the ssh-ed25519 or ecdsa-sha2-nistp256 key of the host, too"],
  ])("keys that Terraform could not check (%#)", (key, bastionKey, message) => {
    const problems = problemsOf(cluster(behind(key, bastionKey)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  test.each([
    [ecdsa, rsa],
    [rsa, ecdsa],
    [`${ecdsa}\n${rsa}`, ecdsa],
    ["unchecked", "unchecked"],
  ])("keys that it can (%#)", (key, bastionKey) => {
    const stack = new TerraformStack(Testing.app(), "dev");
    expect(() => new MqttCluster(stack, "mqtt", { ...complete(), ...behind(key, bastionKey) })).not.toThrow();
  });
});
