import type { Placement } from "../../src/placement/placement";
import type { WorkloadName } from "../../src/workload";
import { testPlacement } from "./definitions";
import { run, writeFile } from "./programs";

/** A placement like that of Kubernetes: pods known by their labels, some of them under lasting names. */
export function podPlacement(
  lasting: readonly WorkloadName[],
  counts: Partial<Record<WorkloadName, number>> = {},
): Placement {
  const placement = testPlacement(counts);
  return {
    ...placement,
    podsOf: (workload) => ({
      namespace: "mqtt",
      labels: { "app.kubernetes.io/instance": placement.cluster, "app.kubernetes.io/component": workload },
      haveLastingNames: lasting.includes(workload),
      host: `${placement.cluster}-${workload}-headless.mqtt.svc.cluster.local`,
    }),
  };
}

/** A port of a container, of which Prometheus is told by Kubernetes one by one. */
export interface PodPort {
  readonly pod: string;
  readonly address: string;
  readonly container: string;
  readonly port: number;
  readonly phase?: "Running" | "Succeeded" | "Failed";
}

/**
 * The targets that a real Prometheus makes of pods: their labels, each target once. `relabelConfigs` is as in
 * prometheus.yml. What finds the pods is left out, because Debian's Prometheus cannot ask Kubernetes.
 */
export function targetsOf(
  folder: string,
  ports: readonly PodPort[],
  relabelConfigs: readonly object[],
): Record<string, string>[] {
  const config = {
    scrape_configs: [
      {
        job_name: "pods",
        static_configs: ports.map(({ pod, address, container, port, phase = "Running" }) => ({
          targets: [`${address}:${port}`],
          labels: {
            __meta_kubernetes_namespace: "mqtt",
            __meta_kubernetes_pod_name: pod,
            __meta_kubernetes_pod_ip: address,
            __meta_kubernetes_pod_phase: phase,
            __meta_kubernetes_pod_container_name: container,
          },
        })),
        relabel_configs: relabelConfigs,
      },
    ],
  };
  const file = writeFile(folder, "pods.json", JSON.stringify(config));
  const { status, output } = run("promtool", ["check", "service-discovery", "--timeout=1s", file, "pods"]);
  if (status !== 0) {
    throw new Error(output);
  }
  const targets = (JSON.parse(output) as { labels: Record<string, string> }[])
    .map(({ labels }) => Object.entries(labels).filter(([name]) => name === "__address__" || !name.startsWith("__")))
    .filter((labels) => labels.length > 0)
    .map((labels) => JSON.stringify(Object.fromEntries(labels.sort())));
  return [...new Set(targets)].sort().map((target) => JSON.parse(target));
}

/** Two balancers, one of them with a container that somebody else added, and one that has ended. */
export const BALANCER_PODS: readonly PodPort[] = [
  ...[1883, 8405].map((port) => ({
    pod: "dev-mqtt-balancer-5f-aaaaa",
    address: "10.1.0.1",
    container: "balancer",
    port,
  })),
  ...[8405].map((port) => ({ pod: "dev-mqtt-balancer-5f-bbbbb", address: "10.1.0.2", container: "balancer", port })),
  { pod: "dev-mqtt-balancer-5f-bbbbb", address: "10.1.0.2", container: "mesh", port: 15090 },
  { pod: "dev-mqtt-balancer-5f-ccccc", address: "10.1.0.3", container: "balancer", port: 8405, phase: "Failed" },
];
