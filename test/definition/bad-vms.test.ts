/** What is wrong with the options of `Target.vms()`, each by itself. */
import { Fn, TerraformStack, TerraformVariable, Testing } from "cdktf";
import {
  cluster,
  host,
  onHost,
  onHosts,
  only,
  onPair,
  PLAIN_SECRET,
  problemsOf,
  Target,
  vms,
} from "../support/bad-input";

const KEY = "A".repeat(68);
const SHA = "a".repeat(64);
const ADDRESS = "must be a host name or an IPv4 address without port or scheme";
const HOST_KEY = "must be the public host key";
const URL = "must be the https:// (or file://) address of a .deb file; not http://";
const OPTIONS = "must be an object with brokers, balancers, sessionStore, monitoring, ssh, virtualAddress";
const withHost = (name: string, more: object) => onHosts({ [name]: host(31, more) });
const packages = (given: object) => onHosts({ packages: given });

test.each<[what: string, props: object, ...lines: string[]]>([
  // The options as a whole
  ["no options", { ...onHosts(), target: Target.vms() }, `target = (missing): ${OPTIONS}`],
  ["null", { ...onHosts(), ...vms(null) }, `target = null: ${OPTIONS}`],
  ["list", { ...onHosts(), ...vms([host(1)]) }, `target = (a list of 1): ${OPTIONS}`],
  ["text", { ...onHosts(), ...vms("10.0.0.1") }, `target = (not shown): ${OPTIONS}`],
  ["instance", { ...onHosts(), ...vms(new Map()) }, `target = (an instance of Map): ${OPTIONS}`],
  [
    "prototype",
    { ...onHosts(), ...vms(JSON.parse('{"__proto__": {}}')) },
    `target = (an object with __proto__): ${OPTIONS}`,
  ],
  [
    "options of Docker",
    { ...onHosts(), ...vms({ host: "unix:///a", registry: PLAIN_SECRET }) },
    "target.host = (not shown): unknown option; allowed here: brokers, balancers",
    "target.registry = (not shown): unknown option",
    "target.brokers = (missing)",
    "target.balancers = (missing)",
  ],
  [
    "misspelt",
    onHosts({ broker: {}, balancer: {}, sessionstore: host(1), privateKeyFile: PLAIN_SECRET }),
    "target.broker = {}: unknown option; allowed here: brokers, balancers, sessionStore, monitoring, ssh, virtualAddress, provisionedBy, packages. Did you mean brokers?",
    "target.balancer = {}: unknown option",
    "target.sessionstore = (an object with address, hostKey): unknown option",
    "target.privateKeyFile = (not shown): unknown option",
  ],
  [
    "who sets up",
    onHosts({ provisionedBy: "cloud-init" }),
    'target.provisionedBy = "cloud-init": must be one of "ssh", "userData"',
  ],
  // Hosts by name
  [
    "brokers as list",
    onHosts({ brokers: [host(1)] }),
    "target.brokers = (a list of 1): must be an object of hosts by name",
  ],
  [
    "brokers as text",
    onHosts({ brokers: "10.0.0.1" }),
    "target.brokers = (not shown): must be an object of hosts by name",
  ],
  [
    "brokers by prototype",
    onHosts({ brokers: JSON.parse(`{"__proto__": ${JSON.stringify(host(1))}}`) }),
    'target.brokers = (an object with __proto__): must be an object of hosts by name of the instance: { "broker-1": {',
  ],
  [
    "names of no broker",
    onHosts({
      brokers: {
        "broker-0": host(1),
        "broker-10": host(2),
        "Broker-1": host(3),
        "": host(4),
        "broker-1\n": host(5),
        constructr: host(6),
      },
    }),
    "target.brokers.broker-0 = (an object with address, hostKey): is no name of an instance; allowed: broker-1 to broker-9",
    "target.brokers.broker-10 = (an",
    "target.brokers.Broker-1 = (an",
    'target.brokers[""] = (an',
    'target.brokers["broker-1\\n"] = (an',
    "target.brokers.constructr = (an",
  ],
  [
    "name of no balancer",
    onHosts({ balancers: { "balancer-3": host(1) } }),
    "target.balancers.balancer-3 = (an object with address, hostKey): is no name of an instance; allowed: balancer-1 and balancer-2",
  ],
  // One host
  [
    "host as text",
    onHosts({ brokers: { "broker-1": "10.0.0.1" } }),
    "target.brokers.broker-1 = (not shown): must be an object with user, port",
  ],
  ["host null", onHosts({ sessionStore: null }), "target.sessionStore = null: must be an object with user, port"],
  [
    "host as list",
    onHosts({ monitoring: [host(1)] }),
    "target.monitoring = (a list of 1): must be an object with user, port",
  ],
  [
    "host without anything",
    onHosts({ brokers: { "broker-1": {} } }),
    "target.brokers.broker-1.address = (missing): must be text: a host name or an IPv4 address",
    "target.brokers.broker-1.hostKey = (missing): must be text: the public host key",
  ],
  [
    "host misspelt",
    onHost({ adress: "10.0.0.1", hostkey: KEY, privateKey: PLAIN_SECRET, password: PLAIN_SECRET }),
    "target.brokers.broker-1.adress = (not shown): unknown option; allowed here: user, port, privateKeyFile, bastion, address, privateAddress, hostKey. Did you mean address?",
    "target.brokers.broker-1.hostkey = (not shown): unknown option",
    "target.brokers.broker-1.privateKey = (not shown): unknown option",
    "target.brokers.broker-1.password = (not shown): unknown option",
  ],
  [
    "host of wrong types",
    onHost({ address: 1, privateAddress: null, hostKey: true, user: 5, port: "22", privateKeyFile: {}, bastion: "b" }),
    "user = 5: must be text: the name of a user",
    'port = "22": must be a whole number from 1 to 65535',
    "privateKeyFile = {}: must be a path without spaces or quotes, never the key itself",
    "bastion = (not shown): must be an object with user, port, privateKeyFile, address, hostKey",
    "address = 1: must be text: a host name",
    "privateAddress = null: must be text: a host name",
    "hostKey = true: must be text: the public host key",
  ],
  ...[
    "a b",
    'a"',
    "a'b",
    "10.0.0.1; reboot",
    "$(reboot)",
    "`reboot`",
    "10.0.0.256",
    "10.0.0",
    "010.0.0.1",
    "10.0.0.1:22",
    "ssh://10.0.0.1",
    "deploy@10.0.0.1",
    "fe80::1",
    "-oProxyCommand=reboot",
    "broker_1",
    "a\nb",
    "10.0.0.1\n",
    "a..b",
    "${self.input}",
    "%{ if true }",
    "",
  ].flatMap((address): [string, object, string][] => [
    [
      `address ${JSON.stringify(address)}`,
      onHost({ address }),
      `target.brokers.broker-1.address = ${JSON.stringify(address)}: ${ADDRESS}`,
    ],
    [
      `private address ${JSON.stringify(address)}`,
      withHost("monitoring", { privateAddress: address }),
      `target.monitoring.privateAddress = ${JSON.stringify(address)}: ${ADDRESS}`,
    ],
  ]),
  [
    "forged reference",
    onHost({ address: "<<secret:variable:a>>" }),
    'address = "<<secret:variable:a>>": must not contain "<<"',
  ],
  ...[
    "",
    "Unchecked",
    KEY,
    `ssh-dss ${KEY}`,
    "ssh-ed25519 AAAA",
    `ssh-ed25519  ${KEY}`,
    `ssh-ed25519 ${KEY}\n\n`,
    `ssh-ed25519 ${KEY}\nunchecked`,
    `ssh-ed25519 ${KEY}\n@cert-authority * ssh-rsa ${KEY}`,
    `ssh-ed25519 ${KEY} root@host`,
    `10.0.0.1 ssh-ed25519 ${KEY}`,
    `ssh-ed25519 ${KEY}"`,
    `ssh-ed25519 ${KEY}'; reboot`,
    `ssh-ed25519 ${KEY}\${file("/etc/shadow")}`,
    `@cert-authority * ssh-ed25519 ${KEY}`,
  ].map((hostKey): [string, object, string] => [
    `host key ${JSON.stringify(hostKey)}`,
    onHost({ hostKey }),
    `: ${HOST_KEY}`,
  ]),
  [
    "host keys of everybody",
    onHosts({
      balancers: { "balancer-1": host(21, { hostKey: "a" }) },
      sessionStore: host(31, { hostKey: undefined }),
      ssh: { bastion: { address: "b", hostKey: PLAIN_SECRET.slice(7) } },
    }),
    `target.balancers.balancer-1.hostKey = "a": ${HOST_KEY}`,
    "target.sessionStore.hostKey = (missing): must be text: the public host key",
    `target.ssh.bastion.hostKey = " is my password": ${HOST_KEY}`,
  ],
  // Logging in
  ["ssh null", onHosts({ ssh: null }), "target.ssh = null: must be an object with user, port, privateKeyFile, bastion"],
  ["ssh as text", onHosts({ ssh: "deploy@host" }), "target.ssh = (not shown): must be an object with user"],
  ...["root; reboot", "Root", "-l", "", "a b", "a".repeat(33), "$USER", "a\n"].map((user): [string, object, string] => [
    `user ${JSON.stringify(user)}`,
    onHosts({ ssh: { user } }),
    `target.ssh.user = ${JSON.stringify(user)}: must be the name of a user: "deploy"`,
  ]),
  ...[
    "$(cat key)",
    "a b",
    '"',
    "'",
    "${path.module}/key",
    "%{ if true }",
    "a\\b",
    "",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
  ].map((privateKeyFile): [string, object, string] => [
    `key ${JSON.stringify(privateKeyFile)}`,
    onHosts({ ssh: { privateKeyFile } }),
    'target.ssh.privateKeyFile = (not shown): must be a path without spaces or quotes, never the key itself: "~/.ssh/deploy"',
  ]),
  ...[0, -1, 65536, 22.5, Number.NaN, "22", null].map((port): [string, object, string] => [
    `ssh port ${port}`,
    onHosts({ ssh: { port } }),
    `target.ssh.port = ${JSON.stringify(port) === "null" ? port : JSON.stringify(port)}: must be a whole number from 1 to 65535`,
  ]),
  [
    "a key itself",
    onHosts({ ssh: { privateKey: PLAIN_SECRET } }),
    "target.ssh.privateKey = (not shown): unknown option; allowed here: user, port, privateKeyFile, bastion",
  ],
  [
    "bastion",
    onHosts({ ssh: { bastion: { address: "a b", user: "A", prot: 1 } } }),
    'target.ssh.bastion.user = "A": must be',
    `target.ssh.bastion.address = "a b": ${ADDRESS}`,
    "target.ssh.bastion.hostKey = (missing): must be text",
    "target.ssh.bastion.prot = 1: unknown option; allowed here: user, port, privateKeyFile, address, hostKey. Did you mean port?",
  ],
  [
    "bastion of a bastion",
    onHost({ bastion: { ...host(1), bastion: host(2) } }),
    "target.brokers.broker-1.bastion.bastion = (an object with address, hostKey): unknown option",
  ],
  // The virtual address
  [
    "virtual address",
    onPair({ virtualAddress: { address: "10.0.0.100", interface: "eth 0", routerId: 256, adress: 1 } }),
    'target.virtualAddress.address = "10.0.0.100": must be an IPv4 address with the prefix of its network: "10.0.0.100/24"',
    'target.virtualAddress.interface = "eth 0": must be a network interface: "eth0"',
    "target.virtualAddress.routerId = 256: must be a whole number from 1 to 255",
    "target.virtualAddress.adress = 1: unknown option; allowed here: address, interface, routerId. Did you mean address?",
  ],
  ...[
    "10.0.0.100/33",
    "10.0.0.100/7",
    "10.0.0.256/24",
    "010.0.0.1/24",
    "10.0.0.1/24\n",
    "mqtt.example.com/24",
    "::1/64",
    "",
  ].map((address): [string, object, string] => [
    `virtual address ${JSON.stringify(address)}`,
    onPair({ virtualAddress: { address, interface: "eth0" } }),
    "target.virtualAddress.address = ",
  ]),
  ...["", "-h", "a".repeat(16), "eth0; reboot", "eth0\n}", "eth/0"].map((name): [string, object, string] => [
    `interface ${JSON.stringify(name)}`,
    onPair({ virtualAddress: { address: "10.0.0.100/24", interface: name } }),
    "target.virtualAddress.interface = ",
  ]),
  [
    "virtual address of nothing",
    onPair({ virtualAddress: {} }),
    "address = (missing): must",
    "interface = (missing): must be",
  ],
  [
    "virtual address of one balancer",
    onHosts({ virtualAddress: { address: "10.0.0.100/24", interface: "eth0" } }),
    'target.virtualAddress = "10.0.0.100/24": moves between two balancers, and there are not two; leave it out, or set balancer.replicas to 2',
  ],
  // Packages
  ["packages as list", packages([]), "target.packages = []: must be an object of packages by program"],
  [
    "packages",
    packages({
      squid: { url: "https://example.com/squid.deb", sha256: SHA },
      emqx: { url: "http://example.com/emqx.deb", sha256: "abc" },
      redis: { url: "https://example.com/redis.deb", sha: SHA },
      haproxy: "https://example.com/haproxy.deb",
    }),
    'target.packages.squid = (an object with url, sha256): must be one of "emqx", "rabbitmq"',
    `target.packages.emqx.url = "http://example.com/emqx.deb": ${URL}`,
    'target.packages.emqx.sha256 = "abc": must be the SHA-256 of the file: 64 hexadecimal digits, lower case',
    "target.packages.redis.sha256 = (missing): must be text: the SHA-256",
    "target.packages.redis.sha = (not shown): unknown option; allowed here: url, sha256",
    "target.packages.haproxy = (not shown): must be an object with url, sha256",
  ],
  ...[
    "https://example.com/emqx.rpm",
    "https://example.com/$(reboot).deb",
    "https://example.com/a b.deb",
    "https://example.com/'.deb",
    "https://example.com/a.deb; reboot.deb",
    "https://example.com/a.deb\n",
    "https://example.com",
    "ftp://example.com/a.deb",
    "file://host/a.deb",
    "a.deb",
    "-o/etc/passwd",
  ].map((url): [string, object, string] => [
    `package from ${JSON.stringify(url)}`,
    packages({ emqx: { url, sha256: SHA } }),
    `target.packages.emqx.url = ${JSON.stringify(url)}: ${URL}`,
  ]),
  [
    "a password in a package's address",
    packages({ emqx: { url: "https://deploy:hunter2@example.com/a.deb", sha256: SHA } }),
    'target.packages.emqx.url = "https://deploy:(not shown)@example.com/a.deb": must be',
  ],
  ...[SHA.toUpperCase(), SHA.slice(1), `${SHA}\n`, `sha256:${SHA}`].map((sha256): [string, object, string] => [
    `hash ${JSON.stringify(sha256)}`,
    packages({ emqx: { url: "file:///srv/emqx.deb", sha256 } }),
    "target.packages.emqx.sha256 = ",
  ]),
])("%s", (_, props, ...lines) => {
  expect(problemsOf(cluster(props))).toEqual(only(...lines));
});

test("values that only Terraform will know", () => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const variable = new TerraformVariable(stack, "v", { type: "string" });
  const later = { address: variable.stringValue, port: variable.numberValue, hostKey: Fn.file("key.pub") };
  expect(problemsOf(cluster(onHost(later)), stack)).toEqual(
    only(
      "target.brokers.broker-1.address = (a value known only to Terraform): must be known when the plan is made: write it out",
      "target.brokers.broker-1.hostKey = (a value known only to Terraform): must be",
      "target.brokers.broker-1.port = (a value known only to Terraform): must be known",
    ),
  );
});

test("everything that is left undefined counts as left out", () => {
  const login = { user: undefined, port: undefined, privateKeyFile: undefined, bastion: undefined };
  const props = onHosts({
    brokers: { "broker-1": host(11, { ...login, privateAddress: undefined }) },
    ssh: login,
    sessionStore: undefined,
    monitoring: undefined,
    virtualAddress: undefined,
    provisionedBy: undefined,
    packages: undefined,
  });
  const plan = (given: object) => {
    const stack = new TerraformStack(Testing.app(), "dev");
    cluster(given)(stack);
    return Testing.synth(stack);
  };
  expect(plan(props)).toBe(plan(onHosts()));
});
