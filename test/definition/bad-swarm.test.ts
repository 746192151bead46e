/** What is wrong with the options of `Target.dockerSwarm()`, and what its hosts have against the definition. */
import { TerraformStack, Testing } from "cdktf";
import {
  Balancer,
  cluster,
  emqx,
  Monitoring,
  only,
  problemsOf,
  Secret,
  SessionStore,
  users,
} from "../support/bad-input";
import { brokers, EVERYTHING, inSwarm, label, on, pair, swarm } from "../support/swarm-input";

const CONSTRAINT =
  'node.hostname==, node.id== or node.labels.NAME== and a value of letters, digits and ._- without spaces: "node.hostname==dock1", "node.labels.member==1"';

const CASES: [what: string, props: object, ...lines: string[]][] = [
  // Constraints
  ...[
    "dock1",
    "",
    "node.hostname = dock1",
    "node.hostname == dock1",
    "node.hostname=dock1",
    "node.hostname!=dock1",
    "node.hostname==dock1,dock2",
    "node.labels.==1",
    "node.labels.member==$(id)",
    "node.role==manager",
    "engine.labels.member==1",
  ].map((constraint): [string, object, string] => [
    `the constraint "${constraint}"`,
    brokers({ "broker-1": { constraint } }),
    `target.brokers.broker-1.constraint = "${constraint}": must be ${CONSTRAINT}`,
  ]),
  [
    "no constraint",
    brokers({ "broker-1": {} }),
    `target.brokers.broker-1.constraint = (missing): must be text: ${CONSTRAINT}`,
  ],
  [
    "a host as text",
    brokers({ "broker-1": "node.hostname==dock1" }),
    "target.brokers.broker-1 = (not shown): must be an object with constraint, address",
  ],
  [
    "hosts as a list",
    brokers([on("dock1")]),
    'target.brokers = (a list of 1): must be an object of hosts by name of the instance: { "broker-1": { constraint: "node.hostname==dock1" } }',
  ],
  ...["broker-0", "broker-10", "balancer-1"].map((name): [string, object, string] => [
    `a broker called ${name}`,
    brokers({ [name]: on("dock1") }),
    `target.brokers.${name} = (an object with constraint): is no name of an instance; allowed: broker-1 to broker-9`,
  ]),
  // What hosts have against each other
  [
    "two brokers with one constraint",
    brokers({ "broker-1": on("a"), "broker-2": on("b"), "broker-3": on("a") }, emqx({ nodes: 3 })),
    'target.brokers.broker-3.constraint = "node.hostname==a": is that of brokers.broker-1 as well: the two would die together',
  ],
  [
    "two brokers with one label",
    brokers({ "broker-1": label(), "broker-2": on("b"), "broker-3": label() }, emqx({ nodes: 3 })),
    'target.brokers.broker-3.constraint = "node.labels.front==1": is that of brokers.broker-1 as well',
  ],
  [
    "two brokers on one host in other letters",
    brokers({ "broker-1": on("dock1"), "broker-2": on("b"), "broker-3": on("Dock1") }, emqx({ nodes: 3 })),
    'target.brokers.broker-3.constraint = "node.hostname==Dock1": is that of brokers.broker-1 as well',
  ],
  [
    "two balancers on one host",
    pair(on("front1"), on("front1")),
    'target.balancers.balancer-2.constraint = "node.hostname==front1": is that of balancers.balancer-1 as well: the two would die together, and want the same ports',
  ],
  // As many hosts as the definition wants
  [
    "no hosts",
    { ...inSwarm({}, EVERYTHING), ...swarm({}) },
    "target.brokers = (missing): must be as many hosts as broker.nodes: there are none, and 1 wanted",
    "target.balancers = (missing): must be as many hosts as balancer.replicas: there are none, and 1 wanted",
    "target.sessionStore = (missing): must be a host for Redis, which sessionStore asks for",
    "target.monitoring = (missing): must be a host for Prometheus and Alertmanager; or switch them off with Monitoring.none()",
  ],
  [
    "no options",
    { ...inSwarm(), ...swarm(undefined) },
    "target.brokers = (missing): must be as many",
    "target.balancers = (missing): must be as many",
  ],
  [
    "too many hosts, and too few",
    brokers({ "broker-1": on("a"), "broker-2": on("b") }, { balancer: Balancer.haproxy({ replicas: 2 }) }),
    "target.brokers = (an object with broker-1, broker-2): must be as many hosts as broker.nodes: there are 2, and 1 wanted",
    "target.balancers = (an object with balancer-1): must be as many hosts as balancer.replicas: there are 1, and 2 wanted",
  ],
  ...[0, "2"].map((replicas): [string, object, string] => [
    `${JSON.stringify(replicas)} balancers, of which nothing more is said`,
    pair(on("a"), on("b"), {}, Balancer.haproxy({ replicas: replicas as number })),
    `balancer.replicas = ${JSON.stringify(replicas)}: must be a whole number from 1 to 9`,
  ]),
  [
    "a balancer that nobody wants",
    inSwarm({}, { balancer: Balancer.none() }),
    "target.balancers = (an object with balancer-1): must be as many hosts as balancer.replicas: there are 1, and none wanted",
  ],
  [
    "hosts that have nothing to run",
    inSwarm({ sessionStore: on("a"), monitoring: on("b") }),
    'target.sessionStore = "node.hostname==a": has nothing to run: brokers keep their sessions themselves; leave it out',
    'target.monitoring = "node.hostname==b": has nothing to run: the definition has Monitoring.none(); leave it out',
  ],
  [
    "no host for what writes to an existing Redis",
    inSwarm({}, { sessionStore: SessionStore.existingRedis({ host: "redis.example.com" }) }),
    "target.sessionStore = (missing): must be a host for Webdis",
  ],
  [
    "a wrong host is not missing",
    inSwarm({ sessionStore: on("a b"), monitoring: {} }, EVERYTHING),
    'target.sessionStore.constraint = "node.hostname==a b": must be',
    "target.monitoring.constraint = (missing): must be",
  ],
  // The swarm
  ...[2, 4, 0, "3"].map((managers): [string, object, string] => [
    `${JSON.stringify(managers)} managers`,
    inSwarm({ managers }),
    `target.managers = ${JSON.stringify(managers)}: must be one of 1, 3, 5, 7: an even number bears the loss of no more`,
  ]),
  ...["tcp://swarm.example.com:2375", "npipe:////./pipe/docker_engine", "swarm.example.com"].map(
    (host): [string, object, string] => [
      `the manager ${host}`,
      inSwarm({ host }),
      `target.host = "${host}": must be a Docker engine: "unix:///var/run/docker.sock" or "ssh://deploy@host"`,
    ],
  ),
  [
    "options for an ssh that is not used",
    inSwarm({ sshOptions: ["-4"] }),
    'target.sshOptions = (a list of 1): has no effect unless host begins with "ssh://": leave it out',
  ],
  [
    "a login without the registry",
    inSwarm({ registryLogin: true }),
    "target.registryLogin = true: is about the registry of target.registry, which is missing: give that, or leave this out",
  ],
  ...["172.30.0.0/27", "127.0.0.0/16", "224.0.0.0/24", "240.0.0.0/8", "0.0.0.0/8", "10.0.0.1/24", "10.0.0.0"].map(
    (subnet): [string, object, string] => [
      `the subnet ${subnet}`,
      inSwarm({ subnet }),
      `target.subnet = "${subnet}": must be a subnet of addresses for hosts, with a prefix from /8 to /26`,
    ],
  ),
  [
    "ports that the swarm has itself",
    inSwarm({}, emqx({ nodes: 1, listeners: { tcpPort: 7946, wsPort: 2377 } })),
    "target.balancers.balancer-1 = 7946: is wanted by balancer-1 (mqtt), and a port of the swarm itself on its hosts: change a listener's port",
    "target.balancers.balancer-1 = 2377: is wanted by balancer-1 (ws), and a port of the swarm itself",
  ],
  [
    "Docker's own network",
    inSwarm({ network: "ingress" }),
    'target.network = "ingress": is a network of Docker itself: give network another name: "mqtt"',
  ],
  [
    "numbers of users",
    inSwarm({ userIds: { rabbitmq: 0, emqx: "1000", squid: 1 } }),
    "target.userIds.rabbitmq = 0: must be a whole number from 1 to 2147483647",
    'target.userIds.emqx = "1000": must be a whole number from 1 to 2147483647',
    "target.userIds.squid = 1: is not a program of this package; known: emqx, rabbitmq, haproxy",
  ],
  [
    "one number for all",
    inSwarm({ userIds: 100 }),
    "target.userIds = 100: must be an object by program: { rabbitmq: 100 }",
  ],
  [
    "images that are none",
    inSwarm({ images: { squid: "squid:6", "docker-cli": "docker:latest" } }),
    'target.images.squid = "squid:6": is not a program of this package; known: emqx',
    'target.images.docker-cli = "docker:latest": must carry a fixed tag or a digest',
  ],
  ...["docker.sock", "/run/$(id)", "/run/{{.Node.ID}}"].map((engineSocket): [string, object, string] => [
    `the socket ${engineSocket}`,
    inSwarm({ engineSocket }),
    `target.engineSocket = "${engineSocket}": must be the absolute path of a socket: "/var/run/docker.sock"`,
  ]),
  [
    "words for yes",
    inSwarm({ encryptNetwork: "yes", publishOperatorPorts: 1 }),
    "target.publishOperatorPorts = 1: must be true or false",
    'target.encryptNetwork = "yes": must be true or false',
  ],
  [
    "a misspelt option",
    inSwarm({ encryptNetwrok: true }),
    "target.encryptNetwrok = true: unknown option; allowed here: host, sshOptions,",
  ],
  [
    "a misspelt option of a host",
    brokers({ "broker-1": on("a", { adress: "b" }) }),
    "target.brokers.broker-1.adress = (not shown): unknown option; allowed here: constraint, address. Did you mean address?",
  ],
  // Addresses, which endpoints need
  [
    "no address of balancers with a label",
    inSwarm({ balancers: { "balancer-1": label() } }),
    "target.balancers.balancer-1.address = (missing): must be the name or address by which clients reach the host with node.labels.front==1: only node.hostname== says it by itself",
  ],
  [
    "no address of a broker without a balancer",
    inSwarm({ brokers: { "broker-1": { constraint: "node.id==abc1" } }, balancers: {} }, { balancer: Balancer.none() }),
    "target.brokers.broker-1.address = (missing): must be the name or address by which clients reach the host with node.id==abc1",
  ],
  ...["dock_1", "1", "a..b"].map((name): [string, object, string] => [
    `no address of a balancer on ${name}, which is no host name`,
    inSwarm({ balancers: { "balancer-1": on(name) } }),
    `target.balancers.balancer-1.address = (missing): must be the name or address by which clients reach the host with node.hostname==${name}: only node.hostname== says it by itself, where it is a host name`,
  ]),
  ...["localhost", "127.0.0.1", "0.0.0.0"].map((address): [string, object, string] => [
    `the address ${address} of one among others`,
    inSwarm({ balancers: { "balancer-1": on("front1", { address }) } }),
    `target.balancers.balancer-1.address = "${address}": is this host itself to every other one; give the address that others reach it by`,
  ]),
  [
    "no address for operators",
    inSwarm({ publishOperatorPorts: true, monitoring: label() }, { monitoring: Monitoring.prometheus() }),
    "target.monitoring.address = (missing): must be the name or address by which operators reach the host with node.labels.front==1",
  ],
  [
    "an address with a port",
    inSwarm({ balancers: { "balancer-1": on("front1", { address: "front1:1883" }) } }),
    'target.balancers.balancer-1.address = "front1:1883": must be a host name or an IPv4 address without port or scheme',
  ],
  // What a swarm cannot honour
  ...[Secret.kubernetes("mqtt", "sensors"), Secret.file("/etc/mqtt/sensors")].map(
    (password, index): [string, object, string] => [
      `a secret of ${["Kubernetes", "a file"][index]}`,
      { ...inSwarm(), ...users({ password }) },
      `access.users[0].password = "Secret ${["mqtt/sensors", "/etc/mqtt/sensors"][index]}": is kept in a ${["Kubernetes secret", "file of the host"][index]}, which Docker cannot read into a configuration file; use Secret.variable("…")`,
    ],
  ),
  [
    "an operator of Kubernetes",
    inSwarm({}, { monitoring: Monitoring.prometheusOperator() }),
    'monitoring = "prometheusOperator": needs the Prometheus operator of a Kubernetes cluster, which a swarm does not have: take Monitoring.prometheus(), or Monitoring.none()',
  ],
  [
    "an nginx that looks up names once",
    inSwarm({}, { balancer: Balancer.nginx({ version: "1.27.2" }) }),
    'balancer = "nginx:1.27.2-alpine": looks up the addresses of others at its start only, and a swarm gives an instance another one whenever it starts again: take nginx 1.27.3 or later, or Balancer.haproxy()',
  ],
];

test.each(CASES)("%s", (_, props, ...lines) => {
  const problems = problemsOf(cluster(props));
  expect(problems).toEqual(only(...lines));
  for (const line of problems) {
    // One sentence, with its path in front.
    expect(line).toMatch(/^[a-zA-Z][\w.[\]-]* = .*\S: \S/);
    expect(line.replace(/\. Did you mean \w+\?$/, "")).not.toMatch(/\n|[.!?]$|[.!?] [A-Z]/);
  }
});

test("one who misspells is told what was meant", () => {
  expect(problemsOf(cluster(inSwarm({ encryptNetwrok: true })))[0]).toMatch(/\. Did you mean encryptNetwork\?$/);
});

test.each<[what: string, props: object]>([
  ["a broker and a balancer on one host", inSwarm({ balancers: { "balancer-1": on("dock1") } })],
  [
    "monitoring and Redis on a broker's host",
    inSwarm({ sessionStore: on("dock1"), monitoring: on("dock1") }, EVERYTHING),
  ],
  [
    "gaps between names",
    brokers({ "broker-2": on("a"), "broker-5": on("b"), "broker-9": on("c") }, emqx({ nodes: 3 })),
  ],
  ["balancers on any two hosts with a label", pair(label({ address: "a" }), label({ address: "b" }))],
  ["a broker behind a balancer without an address", brokers({ "broker-1": { constraint: "node.labels.a.b-c==x-1" } })],
  ["monitoring that nobody is shown", inSwarm({ monitoring: label() }, { monitoring: Monitoring.prometheus() })],
  [
    "a host that is tried alone",
    inSwarm({
      brokers: { "broker-1": on("dock1") },
      balancers: { "balancer-1": on("dock1", { address: "localhost" }) },
    }),
  ],
  [
    "a label in small letters and one in large ones, which a swarm tells apart",
    brokers(
      {
        "broker-1": { constraint: "node.labels.a==1" },
        "broker-2": on("b"),
        "broker-3": { constraint: "node.labels.A==1" },
      },
      emqx({ nodes: 3 }),
    ),
  ],
  ["a login to a registry", inSwarm({ registry: "registry.example.com", registryLogin: true })],
  ["a socket for each host", inSwarm({ engineSocket: "/run/{{.Node.Hostname}}/docker.sock" })],
  ["nginx that follows names", inSwarm({}, { balancer: Balancer.nginx({ version: "1.27.3" }) })],
  ["a manager behind SSH", inSwarm({ host: "ssh://deploy@dock1:2222", sshOptions: ["-4"], managers: 1 })],
])("%s is fine", (_, props) => {
  expect(() => cluster(props)(new TerraformStack(Testing.app(), "dev"))).not.toThrow();
});
