import { Secret } from "../../src";
import { INSTANCE_HOST } from "../../src/formats/references";
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
    startsAfter: [],
    startOrder: "one-by-one",
    scrape: [],
    alerts: [],
    notes: [],
    ...overrides,
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
