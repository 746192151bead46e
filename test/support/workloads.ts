import { Secret } from "../../src";
import { INSTANCE_HOST, INSTANCE_NAME, PEER_HOST, PEER_NAME } from "../../src/formats/references";
import type { Placement } from "../../src/placement/placement";
import type { Workload } from "../../src/workload";

/** A broker as a target sees it: every part of the contract in use, and no real program behind it. */
export function someBroker(placement: Placement, overrides: Partial<Workload> = {}): Workload {
  const password = Secret.variable("some_password");
  return {
    name: "broker",
    program: "rabbitmq",
    instances: placement.instances("broker"),
    image: "rabbitmq:3.10",
    files: [
      {
        path: "/etc/broker/broker.conf",
        content: `log = "%{+Q}r $\{clientid}"\npassword = "${password}"\n`,
        mode: 0o400,
        onChange: "restart",
      },
      {
        path: "/var/lib/broker/.cookie",
        content: `${Secret.variable("some_cookie")}`,
        mode: 0o400,
        mustBeOwnedByProgram: true,
        onChange: "restart",
      },
    ],
    process: {
      command: ["broker-server"],
      args: ["--name", `broker@${INSTANCE_HOST}`],
      environment: { NODE_NAME: `broker@${INSTANCE_HOST}`, A: "1" },
      user: "999",
      userId: 999,
      groupId: 999,
      expectedMemoryMiB: 512,
      stopSignal: "SIGTERM",
      stopGraceSeconds: 60,
      openFiles: 2048,
      memoryMiB: 512,
    },
    ports: [
      { name: "mqtt", number: 1883, audience: "clients", scheme: "mqtt" },
      { name: "dashboard", number: 18083, audience: "operators", scheme: "http" },
      { name: "metrics", number: 15692, audience: "cluster" },
    ],
    data: [{ name: "data", path: "/var/lib/broker/data" }],
    health: {
      probe: { kind: "command", command: ["broker-ctl", "status", INSTANCE_HOST] },
      intervalSeconds: 5,
      timeoutSeconds: 4,
      retries: 3,
      startPeriodSeconds: 30,
    },
    connectsTo: [],
    startsAfter: [],
    startOrder: "one-by-one",
    scrape: [],
    alerts: [],
    notes: [],
    ...overrides,
  };
}

/** The same as a package, with members that come and go and files of every kind. */
export function hostedBroker(placement: Placement): Workload {
  const folder = placement.folder("broker", "configuration", "");
  const { process, ...broker } = someBroker(placement);
  return {
    ...broker,
    package: {
      name: "broker-server",
      alsoNeeds: ["broker-tools"],
      version: "3.10",
      atLeast: "3.10",
      units: ["broker.service", "broker.socket"],
      user: "broker",
      command: ["/usr/lib/broker/bin/broker-server"],
      fixedPaths: { "/etc/broker/fixed.conf": `${folder}/fixed.conf` },
    },
    files: [
      {
        path: `${folder}/broker.conf`,
        content: `log = "%{+Q}r $\{clientid}"\npassword = "${Secret.variable("some_password")}"\n`,
        mode: 0o400,
        onChange: "restart",
        check: ["broker-ctl", "check", `${folder}/broker.conf`],
      },
      {
        path: `${folder}/.cookie`,
        content: `${Secret.variable("some_cookie")}`,
        mode: 0o400,
        mustBeOwnedByProgram: true,
        onChange: "restart",
      },
      { path: `${folder}/fixed.conf`, content: "fixed = true\n", mode: 0o444, onChange: "restart" },
      {
        path: `${folder}/rules/users.conf`,
        content: `user = "it's ${Secret.variable("user_password")}"\n`,
        mode: 0o400,
        onChange: "reload",
      },
      {
        path: `${folder}/members.list`,
        content: broker.instances.map(({ host }) => `${host}\n`).join(""),
        mode: 0o444,
        onChange: "nothing",
      },
    ],
    process: {
      ...process,
      args: [...process.args, "--motto", `it's 100% "$HOME" \\ of ${INSTANCE_NAME}`],
      cpus: 1.5,
    },
    data: [{ name: "data", path: placement.folder("broker", "data", "") }],
    reloadSignal: "SIGHUP",
    membership: {
      sees: ["broker-ctl", "sees", `broker@${PEER_HOST}`],
      drain: ["sh", "-c", "broker-ctl drain && sleep 1"],
      release: ["broker-ctl", "release", PEER_NAME],
      forget: ["broker-ctl", "forget", `broker@${PEER_HOST}`, PEER_NAME],
      leave: ["broker-ctl", "leave", `broker@${INSTANCE_HOST}`],
      httpsGet: ["broker-ctl", "https-get"],
    },
    kernelParameters: [
      { name: "net.core.somaxconn", value: "4096" },
      { name: "net.ipv4.ip_local_port_range", value: "1024 65535" },
    ],
  };
}

/** What clients of brokers come through: a pool that brokers are taken out of, and not much else. */
export function hostedPool(placement: Placement): Workload {
  const path = `${placement.folder("balancer", "configuration", "")}/pool.conf`;
  const socket = `${placement.folder("balancer", "runtime", "")}/pool.sock`;
  return {
    name: "balancer",
    program: "pool",
    instances: placement.instances("balancer"),
    image: "pool:1",
    package: { name: "pool", atLeast: "2.6", units: ["pool.service"], user: "pool" },
    files: [{ path, content: "port = 883\n", mode: 0o444, onChange: "reload", check: ["pool", "-c", path] }],
    process: {
      command: ["/usr/sbin/pool"],
      args: ["-f", path],
      environment: {},
      userId: 998,
      groupId: 998,
      expectedMemoryMiB: 64,
      stopSignal: "SIGUSR1",
      stopGraceSeconds: 30,
      openFiles: 4096,
    },
    ports: [
      { name: "mqtt", number: 883, audience: "clients", scheme: "mqtt" },
      { name: "metrics", number: 8405, audience: "cluster" },
    ],
    data: [],
    reloadSignal: "SIGUSR2",
    pool: {
      of: "broker",
      drain: ["pool-ctl", socket, "drain", PEER_NAME],
      admit: ["pool-ctl", socket, "admit", PEER_NAME],
    },
    health: {
      probe: { kind: "http", port: 8405, path: "/health" },
      intervalSeconds: 5,
      timeoutSeconds: 2,
      retries: 3,
      startPeriodSeconds: 5,
    },
    connectsTo: [{ to: "broker", ports: [1883] }],
    startsAfter: ["broker"],
    startOrder: "together",
    scrape: [],
    alerts: [],
    notes: [],
  };
}

/** The command that tells whether an instance is healthy, program first. */
export function healthCommand({ health, program }: Workload): [string, ...string[]] {
  if (health?.probe.kind !== "command") {
    throw new Error(`the health of ${program} is not asked by a command`);
  }
  const [command, ...args] = health.probe.command;
  return [command, ...args];
}
