import { BALANCER_METRICS_PORT } from "../../definition/cross-checks";
import type { Placement } from "../../placement/placement";
import type { Workload } from "../../workload";
import type { BalancerInput } from "../balancer-input";
import { nginxAlerts } from "./nginx-alerts";
import { STATUS_PATH } from "./nginx-config";

const VERSION = "1.4.1";
const PORT = 9113;

/** Translates the status page of every nginx for Prometheus. Its image holds one program, so nothing could ask for its health. */
export function nginxExporterWorkload(input: BalancerInput, placement: Pick<Placement, "instances">): Workload {
  return {
    name: "balancer-exporter",
    program: "nginx-exporter",
    instances: placement.instances("balancer-exporter"),
    image: `nginx/nginx-prometheus-exporter:${VERSION}`,
    files: [],
    process: {
      // No command: the image's entry point is the program, and holds nothing else.
      args: [
        `--web.listen-address=:${PORT}`,
        ...input.instances.map(
          ({ host }) => `--nginx.scrape-uri=http://${host}:${BALANCER_METRICS_PORT}${STATUS_PATH}`,
        ),
      ],
      environment: {},
      user: "1001:1001",
      userId: 1001,
      groupId: 1001,
      expectedMemoryMiB: 32,
      stopSignal: "SIGTERM",
      stopGraceSeconds: 5,
      openFiles: 1024,
    },
    ports: [{ name: "metrics", number: PORT, audience: "cluster" }],
    data: [],
    alive: { port: PORT },
    connectsTo: [{ to: "balancer", ports: [BALANCER_METRICS_PORT] }],
    startsAfter: [],
    startOrder: "together",
    scrape: [{ job: "nginx", port: PORT, path: "/metrics" }],
    alerts: nginxAlerts(input),
    notes: [],
  };
}
