import type { NginxDefinition } from "../../definition/cluster";
import type { Workload } from "../../workload";
import { type BalancerInput, balancerRole, STOP_AT_ONCE } from "../balancer-input";
import { followsRestarts, nginxConfig, nginxOpenFiles } from "./nginx-config";

const CONFIG_PATH = "/etc/nginx/nginx.conf";

/** nginx (open source) in front of MQTT brokers. Its alerts come with the exporter: nginx itself speaks no Prometheus. */
export function nginxWorkload(balancer: NginxDefinition, input: BalancerInput): Workload {
  return {
    ...balancerRole(input),
    program: "nginx",
    image: `nginx:${balancer.version}-alpine`,
    files: [
      {
        path: CONFIG_PATH,
        content: nginxConfig(balancer, input),
        mode: 0o444,
        onChange: "reload",
        check: ["nginx", "-t", "-c", CONFIG_PATH],
      },
    ],
    process: {
      command: ["nginx"],
      // -e: until the configuration is read, nginx logs to a compiled-in path that only root may write.
      args: ["-e", "stderr", "-c", CONFIG_PATH],
      environment: {},
      user: "nginx",
      ...STOP_AT_ONCE,
      openFiles: nginxOpenFiles(input.clients),
    },
    scrape: [],
    alerts: [],
    notes: [
      "nginx (open source) checks brokers only by the connections that it makes for clients: a hung broker that still " +
        "accepts them stays in the pool.",
      ...(input.resolver && !followsRestarts(balancer)
        ? [
            `nginx ${balancer.version} looks up the brokers' addresses once, at its start: restart it when a broker got a new ` +
              "one, or use 1.27.3 or later.",
          ]
        : []),
    ],
  };
}
