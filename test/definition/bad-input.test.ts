/** What a hurried engineer gets wrong, and the lines that say so. */
import { Fn, TerraformStack, TerraformVariable, Testing } from "cdktf";
import {
  Access,
  Balancer,
  Broker,
  cluster,
  docker,
  emqx,
  Monitoring,
  only,
  PLAIN_SECRET,
  password,
  problemsOf,
  rabbitmq,
  rule,
  rules,
  Secret,
  SessionStore,
  Target,
  topics,
  users,
  webhook,
} from "../support/bad-input";

test.each<[what: string, props: object, ...lines: string[]]>([
  // What is no part at all
  ["broker by name", { broker: "emqx" }, 'broker = "emqx": must be Broker.emqx() or Broker.rabbitmq()'],
  ["broker not called", { broker: Broker.emqx }, "broker = (the function emqx): must be Broker.emqx()"],
  [
    "broker of one's own",
    { broker: { _kind: "emqx", _props: {} } },
    "broker = (an object with _kind, _props): must be",
  ],
  ["part in another's place", { sessionStore: Access.redis() }, "sessionStore = (an instance of Access): must be Sess"],
  ["no target", { target: undefined }, "target = (missing): must be Target.docker()"],
  ["target not called", { target: Target.docker }, "target = (the function docker): must be Target.docker()"],
  [
    "access without factory",
    { access: { users: [{ password: PLAIN_SECRET }] } },
    "access = (an object with users): must",
  ],
  ["options null", emqx(null), "broker = null: must be an object with version, nodes"],
  ["options as list", emqx([{ nodes: 1 }]), "broker = (a list of 1): must be an object with version"],
  ["options as map", emqx(new Map([["nodes", 1]])), "broker = (an instance of Map): must be an object"],
  ["options as text", webhook(PLAIN_SECRET), "monitoring.webhook = (not shown): must be an object with url, token"],
  ["clients null", { clients: null }, "clients = null: must be an object with maxConnections, maxKeepalive"],
  ["listeners as list", emqx({ listeners: [] }), "broker.listeners = []: must be an object with tcpPort"],
  ["prototype keys", emqx(JSON.parse('{"__proto__": {"nodes": 1}}')), "broker = (an object with __proto__): must be"],
  ["constructor key", emqx({ constructor: 1 }), "broker = (an object with constructor): must be an object"],
  // Unknown options, several in one place
  [
    "parts misspelt",
    { acces: PLAIN_SECRET, clints: {} },
    "acces = (not shown): unknown option",
    "clints = {}: unknown",
  ],
  ["broker options", emqx({ nodez: 3, verson: 1 }), "broker.nodez = 3: unknown", "broker.verson = 1: unknown option"],
  [
    "nested",
    emqx({ listeners: { tcp: 1 }, mqtt: { maxInflght: 2 } }),
    "broker.listeners.tcp = 1",
    "Did you mean maxInf",
  ],
  [
    "user",
    users({ pasword: PLAIN_SECRET }),
    "access.users[0].pasword = (not shown): unknown option; allowed here: name",
  ],
  ["rule", rule({ user: ["a"] }), "access.rules[0].user = (a list of 1): unknown option"],
  [
    "webhook",
    webhook({ url: "http://a", tokn: PLAIN_SECRET }),
    "monitoring.webhook.tokn = (not shown): unknown option",
  ],
  ["target", docker({ hots: "x" }), "target.hots = (not shown): unknown option; allowed here: host"],
  ["not for RabbitMQ", rabbitmq({ extraConfig: {} }), "broker.extraConfig = {}: unknown option"],
  ["odd characters", emqx({ "a\nb": 1 }), 'broker["a\\nb"] = 1: unknown option'],
  // Numbers
  ...[0, 2, 100, 3.5, "3", Number.NaN, Number.POSITIVE_INFINITY, null, 3n].map((nodes): [string, object, string] => [
    `${nodes} nodes`,
    emqx({ nodes }),
    `broker.nodes = ${typeof nodes === "string" ? `"${nodes}"` : nodes}: must be 1, 3, 5 or 7`,
  ]),
  ["port -0", emqx({ listeners: { tcpPort: -0 } }), "broker.listeners.tcpPort = -0: must be a whole number from 1 to"],
  [
    "ports",
    emqx({ listeners: { tcpPort: 0, wsPort: 65536 } }),
    "tcpPort = 0: must be",
    "wsPort = 65536: must be a whole",
  ],
  [
    "share as percent",
    rabbitmq({ memoryHighWatermark: 40 }),
    "broker.memoryHighWatermark = 40: must be a number from 0.1",
  ],
  ["too many clients", { clients: { maxConnections: 1e6 } }, "clients.maxConnections = 1000000: must be at most 84696"],
  // Durations and sizes, shown as they were given
  ["no unit", emqx({ autoclean: "5" }), 'broker.autoclean = "5": must be a duration from 1h to 30d, written as'],
  ["minutes", emqx({ netTickTime: "5min" }), 'broker.netTickTime = "5min": must be a duration from 8s to 2m'],
  ["fraction", emqx({ autoclean: "1.5h" }), 'broker.autoclean = "1.5h": must be a duration'],
  ["seconds", emqx({ autoclean: 7200 }), "broker.autoclean = 7200: must be a duration"],
  [
    "too long",
    { clients: { maxKeepalive: "20h" } },
    'clients.maxKeepalive = "20h": must be a duration from 10s to 18h',
  ],
  ["space", emqx({ memory: "1 GB" }), 'broker.memory = "1 GB": must be a size from 512MB to 512GB'],
  ["lower case", emqx({ memory: "1gb" }), 'broker.memory = "1gb": must be a size'],
  [
    "too small",
    { sessionStore: SessionStore.redis({ memory: "1MB" }) },
    'sessionStore.memory = "1MB": must be a size from',
  ],
  // Versions and what they can do
  ["latest", emqx({ version: "latest" }), 'broker.version = "latest": must be a version number such as "5.8.9"'],
  ["leading v", emqx({ version: "v5.8.9" }), 'broker.version = "v5.8.9": must be a version number'],
  ["number", emqx({ version: 5.8 }), 'broker.version = 5.8: must be text: a version number such as "5.8.9"'],
  ["old", emqx({ version: "4.4.19" }), 'broker.version = "4.4.19": must be 5.8.x'],
  [
    "EMQX 5.9",
    emqx({ version: "5.9.0" }),
    "broker.license = (missing): EMQX 5.9.0 starts more than one node only with",
  ],
  ["licence not needed", emqx({ license: password }), 'broker.license = "Secret sensors_password": EMQX 5.8.9 is open'],
  [
    "licence as text",
    emqx({ version: "5.9.0", license: PLAIN_SECRET }),
    "broker.license = (not shown): must be a Secret",
  ],
  ["old HAProxy", { balancer: Balancer.haproxy({ version: "1.8" }) }, 'balancer.version = "1.8": must be 2.6 or later'],
  // Combinations
  [
    "RabbitMQ with what only EMQX has",
    rabbitmq({ listeners: { internalPort: 1884 } }, { sessionStore: SessionStore.redis(), access: Access.redis() }),
    'sessionStore = "redis": RabbitMQ keeps',
    'access = "redis": RabbitMQ cannot ask Redis',
    "broker.listeners.internalPort = 1884: RabbitMQ has one",
  ],
  ["Redis access without Redis", { access: Access.redis() }, 'access = "redis": credentials live in the Redis'],
  [
    "nginx by client id",
    { balancer: Balancer.nginx({ algorithm: "clientId" }) },
    'balancer.algorithm = "clientId": must',
  ],
  ["two balancers", { balancer: Balancer.haproxy({ replicas: 2 }) }, "balancer.replicas = 2: must be 1 on Docker"],
  // Ports
  [
    "same port",
    emqx({ listeners: { tcpPort: 8083 } }),
    "wsPort = 8083: is already the port of broker.listeners.tcpPort",
  ],
  [
    "metrics",
    emqx({ listeners: { tcpPort: 8405 } }),
    "broker.listeners.tcpPort = 8405: is already the port of the metr",
  ],
  [
    "dashboard",
    emqx({ listeners: { wsPort: 18083 } }),
    "broker.listeners.wsPort = 18083: is already the port of the dash",
  ],
  [
    "monitoring",
    emqx({ listeners: { tcpPort: 9090, wsPort: 9093 } }),
    "9090: is already the port of Prometheus",
    "9093: ",
  ],
  [
    "counted upwards",
    { ...emqx({ listeners: { wsPort: 1885 } }), balancer: Balancer.none() },
    'target = "0.0.0.0:1885": is wanted by broker-1 (ws) and by broker-3 (mqtt)',
  ],
  // Secrets
  [
    "password as text",
    users({ password: PLAIN_SECRET }),
    "access.users[0].password = (not shown): must be a Secret, for",
  ],
  ["password as object", users({ password: { value: PLAIN_SECRET } }), "password = (not shown): must be a Secret"],
  ["no password", users({ password: undefined }), "access.users[0].password = (missing): must be a Secret"],
  [
    "value for name",
    users({ password: Secret.variable(PLAIN_SECRET) }),
    "password = (not shown): the name of a secret var",
  ],
  [
    "empty name",
    users({ password: Secret.variable("") }),
    "password = (not shown): the name of a secret variable must be",
  ],
  ["no name", users({ password: Secret.variable() }), "password = (not shown): the name of a secret variable must be"],
  [
    "Terraform's name",
    users({ password: Secret.variable("version") }),
    "must not be one that Terraform keeps for itself",
  ],
  [
    "id of the cluster",
    users({ password: Secret.variable("mqtt") }),
    '"Secret mqtt": is a name that something else in the',
  ],
  ["in a file", users({ password: Secret.file("/a") }), 'password = "Secret /a": is kept in a file of the host'],
  [
    "token as text",
    webhook({ url: "https://a", token: PLAIN_SECRET }),
    "webhook.token = (not shown): must be a Secret",
  ],
  [
    "URL with password",
    webhook({ url: "https://bob:hunter2@a/b" }),
    '"https://bob:(not shown)@a/b": must not hold a user',
  ],
  ["URL with token", webhook({ url: "https://hunter2@a" }), 'url = "https://(not shown)@a": must not hold a user'],
  [
    "registry with password",
    docker({ registry: "https://b:hunter2@r" }),
    'registry = "https://b:(not shown)@r": must be a',
  ],
  [
    "misspelt EMQX password",
    emqx({ extraConfig: { "dashboard.pasword": "hunter2" } }),
    "= (not shown): is no setting of",
  ],
  [
    "users as object",
    { access: Access.passwords({ users: { password: PLAIN_SECRET }, rules }) },
    "must be a list of users",
  ],
  [
    "users as text",
    { access: Access.passwords({ users: [PLAIN_SECRET], rules }) },
    "users[0] = (not shown): must be an ob",
  ],
  // Users and topics
  ["user with space", users({ name: "a b" }), 'access.users[0].name = "a b": must be letters, digits and'],
  ["user with line break", users({ name: "a\n" }), 'access.users[0].name = "a\\n": must be letters'],
  ["user with template", users({ name: "${x}" }), 'access.users[0].name = "${x}": must be letters'],
  [
    "same user",
    { access: Access.passwords({ users: ["a", "A", "a"].map((name) => ({ name, password })), rules }) },
    'access.users[2].name = "a": is there twice',
  ],
  [
    "user of no rule",
    rule({ users: ["sensor"] }),
    'access.rules[0].users[0] = "sensor": is not one of access.users: sensors.',
  ],
  ["action", rule({ action: "pub" }), 'access.rules[0].action = "pub": must be one of "publish", "subscribe", "all"'],
  ["no topics", topics(), 'access.rules[0].topics = []: must be a list of topic filters, at least one: ["sensors/#"]'],
  ["topic as text", rule({ topics: "a/#" }), 'access.rules[0].topics = "a/#": must be a list of topic filters'],
  ["wildcards", topics("a/#/b", "a#", "a/b+", "#"), '"a/#/b": must be an MQTT', '"a#": must be', '"a/b+": must be'],
  [
    "characters",
    topics('a"b', "a\nb", "a${x}", "\ud800", ""),
    "[0]",
    "[1]",
    "[2]",
    '"\\ud800": must be',
    '"": must be an MQ',
  ],
  ["reference", topics("a<<b"), 'access.rules[0].topics[0] = "a<<b": must not contain "<<"'],
  // Names
  ["long name", { name: "a".repeat(31) }, `name = "${"a".repeat(31)}": must be lower-case letters, digits and "-"`],
  ...["Dev", "dev-", "", "a\nb", "${a}", 5, null].map((name): [string, object, string] => [
    `name ${name}`,
    { name },
    `name = ${JSON.stringify(name)}: must be`,
  ]),
  // The target
  [
    "registry with scheme",
    docker({ registry: "https://r" }),
    'target.registry = "https://r": must be a registry without',
  ],
  [
    "images",
    docker({ images: { haproxy: "haproxy:latest", nginx: "nginx" } }),
    '"haproxy:latest": must carry a',
    '"nginx":',
  ],
  [
    "image of nothing",
    docker({ images: { squid: "squid:6" } }),
    'target.images.squid = "squid:6": is not a program of this',
  ],
  [
    "image reference",
    docker({ images: { nginx: "NGINX:1", redis: "a//b:1" } }),
    '"NGINX:1": must be an',
    '"a//b:1": must be',
  ],
  ["images as list", docker({ images: ["haproxy:1"] }), "target.images = (a list of 1): must be an object of images"],
  [
    "subnet",
    docker({ subnet: "10.0.0.0/33" }),
    'target.subnet = "10.0.0.0/33": must be a subnet of addresses for hosts, with a prefix from /8',
  ],
  ["address for subnet", docker({ subnet: "10.0.0.1/24" }), 'target.subnet = "10.0.0.1/24": must be a subnet'],
  ["Docker's network", docker({ network: "host" }), 'target.network = "host": is a network of Docker itself'],
  ["host name", docker({ clientAddress: "localhost" }), 'target.clientAddress = "localhost": must be an IPv4 address'],
  ["IPv6", docker({ operatorAddress: "::1" }), 'target.operatorAddress = "::1": must be an IPv4 address: "127.0.0.1"'],
  ["engine", docker({ host: "localhost" }), 'target.host = "localhost": must be a Docker engine: "unix:///'],
  ["ssh without ssh", docker({ sshOptions: ["-v"] }), "target.sshOptions = (a list of 1): has no effect unless host"],
])("%s", (_, props, ...lines) => {
  expect(problemsOf(cluster(props))).toEqual(only(...lines));
});

const LATER = "(a value known only to Terraform): must be known when the plan is made";

test.each<[what: string, props: (variable: TerraformVariable) => object, ...lines: string[]]>([
  ["number", (v) => emqx({ nodes: v.numberValue }), `broker.nodes = ${LATER}`],
  [
    "text",
    (v) => ({ ...emqx({ version: v.stringValue }), name: v.stringValue }),
    `name = ${LATER}`,
    `broker.version = ${LATER}`,
  ],
  ["truth", (v) => emqx({ autoheal: v.booleanValue }), `broker.autoheal = ${LATER}`],
  ["list", (v) => rule({ topics: v.listValue }), `access.rules[0].topics[0] = ${LATER}`],
  [
    "function",
    (v) => docker({ host: "ssh://a", sshOptions: Fn.split(" ", v.stringValue) }),
    `target.sshOptions[0] = ${LATER}`,
  ],
  ["object", (v) => ({ broker: v.value }), `broker = ${LATER}`],
  ["EMQX setting", (v) => emqx({ extraConfig: { "mqtt.max_topic_alias": v.numberValue } }), LATER],
  ["password", (v) => users({ password: v.stringValue }), "access.users[0].password = (not shown): must be a Secret"],
  ["variable", (v) => users({ password: v }), "access.users[0].password = (not shown): must be a Secret"],
])("Terraform's value: %s", (_, props, ...lines) => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const variable = new TerraformVariable(stack, "v", {});
  expect(problemsOf(cluster(props(variable)), stack)).toEqual(only(...lines));
});

test("everything at once, in the order of the definition", () => {
  const wrong = cluster({
    name: "A B",
    nme: "x",
    broker: Broker.emqx({ nodes: 2, listeners: { tcpPort: 8083, internalPort: 18083 }, autoclean: "1.5h", foo: 1 }),
    balancer: Balancer.haproxy({ replicas: 2, algorithm: "x" }),
    sessionStore: SessionStore.redis({ memory: "lots" }),
    access: Access.passwords({
      users: [{ name: "a b", password: PLAIN_SECRET }],
      rules: [{ action: "pub", topics: ["#/a"] }],
    }),
    monitoring: Monitoring.prometheus({ downFor: "0s", webhook: { url: "x" } }),
    clients: { maxKeepalive: 3 },
    target: Target.docker({ subnet: "10.0.0.0/33", clientAddress: "x", network: "host" }),
  });
  expect(problemsOf(wrong).map((line) => line.replace(/:.*/, ""))).toMatchInlineSnapshot(`
    [
      "name = "A B"",
      "nme = (not shown)",
      "broker.nodes = 2",
      "broker.autoclean = "1.5h"",
      "broker.foo = 1",
      "balancer.algorithm = "x"",
      "sessionStore.memory = "lots"",
      "access.users[0].name = "a b"",
      "access.users[0].password = (not shown)",
      "access.rules[0].action = "pub"",
      "access.rules[0].topics[0] = "#/a"",
      "monitoring.downFor = "0s"",
      "monitoring.webhook.url = "x"",
      "clients.maxKeepalive = 3",
      "broker.listeners.wsPort = 8083",
      "broker.listeners.internalPort = 18083",
      "target.subnet = "10.0.0.0/33"",
      "target.clientAddress = "x"",
      "target.network = "host"",
      "balancer.replicas = 2",
    ]
  `);
});
