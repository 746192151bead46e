import type { NginxDefinition } from "../../definition/cluster";
import { BALANCER_METRICS_PORT, LEAST_VERSIONS } from "../../definition/cross-checks";
import type { Workload } from "../../workload";
import { type BalancerInput, balancerRole, STOP_AT_ONCE } from "../balancer-input";
import { nginxAlerts } from "./nginx-alerts";
import {
  followsRestarts,
  IMAGE_VERSION,
  leastVersion,
  METRICS_PATH,
  nginxConfig,
  nginxMemoryMiB,
  nginxOpenFiles,
  servesMetrics,
} from "./nginx-config";

/** nginx (open source) in front of MQTT brokers. Beside its image its alerts come with the exporter. */
export function nginxWorkload(balancer: NginxDefinition, input: BalancerInput): Workload {
  const configPath = `${input.folder("balancer", "configuration", "/etc/nginx")}/nginx.conf`;
  const isPackage = input.software === "package";
  const hasMetrics = servesMetrics(input);
  const version = leastVersion(balancer, input);
  return {
    ...balancerRole(input),
    program: "nginx",
    image: `nginx:${balancer.version ?? IMAGE_VERSION}-alpine`,
    package: {
      name: "nginx",
      alsoNeeds: ["libnginx-mod-stream"],
      version: balancer.version,
      atLeast: LEAST_VERSIONS.nginx,
      units: ["nginx.service"],
      user: "www-data",
      command: ["/usr/sbin/nginx"],
    },
    files: [
      {
        path: configPath,
        content: nginxConfig(balancer, input),
        mode: 0o444,
        onChange: "reload",
        check: ["nginx", "-t", "-c", configPath],
      },
    ],
    process: {
      command: ["nginx"],
      // -e: until the configuration is read, nginx logs to a compiled-in path that only root may write.
      args: ["-e", "stderr", "-c", configPath],
      environment: {},
      user: "nginx",
      userId: 101,
      groupId: 101,
      ...STOP_AT_ONCE,
      openFiles: nginxOpenFiles(input.clients),
      expectedMemoryMiB: nginxMemoryMiB(input.clients),
    },
    alive: { port: BALANCER_METRICS_PORT, path: "/health" },
    reloadSignal: "SIGHUP",
    ...(!followsRestarts(version) && { looksUpOnce: "take nginx 1.27.3 or later, or Balancer.haproxy()" }),
    scrape: hasMetrics ? [{ job: "nginx", port: BALANCER_METRICS_PORT, path: METRICS_PATH }] : [],
    alerts: hasMetrics ? nginxAlerts(input) : [],
    notes: [
      "nginx (open source) checks brokers only by the connections that it makes for clients: a hung broker that still " +
        "accepts them stays in the pool.",
      ...(isPackage
        ? [
            "nginx (open source) cannot send clients away from one broker: those of a broker that is restarted are cut when " +
              "it stops, and connect again.",
          ]
        : []),
      ...(input.resolver && !followsRestarts(version)
        ? [
            `nginx ${version} looks up the brokers' addresses once, at its start: restart it when a broker got a new ` +
              "one, or use 1.27.3 or later.",
          ]
        : []),
    ],
  };
}
