import type { HaproxyDefinition } from "../../definition/cluster";
import { BALANCER_METRICS_PORT, LEAST_VERSIONS } from "../../definition/cross-checks";
import type { Workload } from "../../workload";
import { type BalancerInput, balancerRole, STOP_AT_ONCE } from "../balancer-input";
import { haproxyAlerts } from "./haproxy-alerts";
import { haproxyConfig, haproxyMemoryMiB, haproxyOpenFiles } from "./haproxy-config";
import { brokerPool, masterSocket, poolScript, reloadCheck } from "./haproxy-pool";

const IMAGE_VERSION = "3.2.22";

/** HAProxy in front of MQTT brokers: active checks, the clients' own addresses, metrics per broker. */
export function haproxyWorkload(balancer: HaproxyDefinition, input: BalancerInput): Workload {
  const configuration = input.folder("balancer", "configuration", "/etc/haproxy");
  const configPath = `${configuration}/haproxy.cfg`;
  const pool = input.software === "package" && {
    socket: `${input.folder("balancer", "runtime", "/run/haproxy")}/master.sock`,
    script: `${configuration}/pool.sh`,
  };
  return {
    ...balancerRole(input),
    program: "haproxy",
    image: `haproxy:${balancer.version ?? IMAGE_VERSION}-alpine`,
    package: {
      name: "haproxy",
      alsoNeeds: ["socat"],
      version: balancer.version,
      atLeast: LEAST_VERSIONS.haproxy,
      units: ["haproxy.service"],
      user: "haproxy",
      command: ["/usr/sbin/haproxy"],
    },
    files: [
      {
        path: configPath,
        content: haproxyConfig(balancer, input),
        mode: 0o444,
        onChange: "reload",
        check: ["haproxy", "-c", "-f", configPath],
      },
      ...(pool ? [poolScript(pool)] : []),
    ],
    ...(pool && { pool: brokerPool(pool) }),
    process: {
      command: ["haproxy"],
      // -W: a master that starts new workers on SIGUSR2 and lets the old ones finish; -db: in the foreground.
      args: ["-W", "-db", ...(pool ? masterSocket(pool) : []), "-f", configPath],
      environment: {},
      user: "haproxy",
      userId: 99,
      groupId: 99,
      ...STOP_AT_ONCE,
      openFiles: haproxyOpenFiles(input),
      expectedMemoryMiB: haproxyMemoryMiB(input),
    },
    // Not its page of health, which wants a broker as well.
    alive: { port: BALANCER_METRICS_PORT },
    reloadSignal: "SIGUSR2",
    ...(pool && { reloadCheck: reloadCheck(pool) }),
    scrape: [{ job: "haproxy", port: BALANCER_METRICS_PORT, path: "/metrics" }],
    alerts: haproxyAlerts(input),
    notes: [],
  };
}
