import type { HaproxyDefinition } from "../../definition/cluster";
import { BALANCER_METRICS_PORT } from "../../definition/cross-checks";
import type { Workload } from "../../workload";
import { type BalancerInput, balancerRole, STOP_AT_ONCE } from "../balancer-input";
import { haproxyAlerts } from "./haproxy-alerts";
import { haproxyConfig, haproxyOpenFiles } from "./haproxy-config";

const CONFIG_PATH = "/etc/haproxy/haproxy.cfg";

/** HAProxy in front of MQTT brokers: active checks, the clients' own addresses, metrics per broker. */
export function haproxyWorkload(balancer: HaproxyDefinition, input: BalancerInput): Workload {
  return {
    ...balancerRole(input),
    program: "haproxy",
    image: `haproxy:${balancer.version}-alpine`,
    files: [
      {
        path: CONFIG_PATH,
        content: haproxyConfig(balancer, input),
        mode: 0o444,
        onChange: "reload",
        check: ["haproxy", "-c", "-f", CONFIG_PATH],
      },
    ],
    process: {
      command: ["haproxy"],
      // -W: a master that starts new workers on SIGUSR2 and lets the old ones finish; -db: in the foreground.
      args: ["-W", "-db", "-f", CONFIG_PATH],
      environment: {},
      user: "haproxy",
      ...STOP_AT_ONCE,
      openFiles: haproxyOpenFiles(input),
    },
    scrape: [{ job: "haproxy", port: BALANCER_METRICS_PORT, path: "/metrics" }],
    alerts: haproxyAlerts(input),
    notes: [],
  };
}
