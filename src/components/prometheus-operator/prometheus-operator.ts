import type { PrometheusOperatorDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import type { Placement } from "../../placement/placement";
import type { CustomObject, JsonObject, ScrapeEndpoint, Workload } from "../../workload";
import { foreignPrometheusAlerts } from "../prometheus/alerts";
import { ruleGroups } from "../prometheus/rules";
import { pathAndParams, scrapeJobs } from "../prometheus/scrape-jobs";

const API_VERSION = "monitoring.coreos.com/v1";

/** What a Prometheus operator is told of a cluster: whom to scrape, and what to raise an alert for. */
export function prometheusOperatorObjects(
  monitoring: PrometheusOperatorDefinition,
  placement: Placement,
  workloads: readonly Workload[],
): CustomObject[] {
  return [
    ...workloads
      .filter(({ scrape }) => scrape.length > 0)
      .map((workload) => podMonitor(monitoring, placement, workload)),
    prometheusRule(monitoring, placement, workloads),
  ];
}

/** Never a service: it would answer for a different pod each time. */
function podMonitor(monitoring: PrometheusOperatorDefinition, placement: Placement, workload: Workload): CustomObject {
  const { name, scrape } = workload;
  const pods = placement.podsOf(name);
  if (!pods) {
    throw new Error(`The instances of ${name} are no pods: a Prometheus operator cannot find them.`);
  }
  return {
    apiVersion: API_VERSION,
    kind: "PodMonitor",
    definition: "podmonitors.monitoring.coreos.com",
    name: `${placement.cluster}-${name}`,
    labels: monitoring.labels,
    spec: {
      namespaceSelector: { matchNames: [pods.namespace] },
      selector: { matchLabels: pods.labels },
      podMetricsEndpoints: scrape.map((endpoint) => metricsEndpoint(endpoint, placement.cluster, monitoring)),
    },
  };
}

/**
 * Gives pods the labels that alerts ask for: `instance` is the name of the pod without that of the cluster, `broker-0`.
 *
 * Kubernetes names a pod once for each of its ports. With one and the same address and nothing else of port and container in
 * their labels, these are one target to Prometheus; and the port need not be among those that the pod declares. The operator
 * itself leaves out pods that have ended.
 */
function metricsEndpoint(
  { job, port, path }: ScrapeEndpoint,
  cluster: string,
  { scrapeInterval }: PrometheusOperatorDefinition,
): JsonObject {
  return {
    ...pathAndParams(path),
    interval: prometheusDuration(scrapeInterval),
    // Longer than the interval would be refused.
    scrapeTimeout: prometheusDuration(Math.min(10, scrapeInterval)),
    relabelings: [
      { sourceLabels: ["__meta_kubernetes_pod_ip"], targetLabel: "__address__", replacement: `$1:${port}` },
      { action: "labeldrop", regex: "container" },
      { targetLabel: "job", replacement: job },
      { targetLabel: "cluster", replacement: cluster },
      { sourceLabels: ["__meta_kubernetes_pod_name"], regex: `(?:${cluster}-)?(.+)`, targetLabel: "instance" },
    ],
  };
}

function prometheusRule(
  monitoring: PrometheusOperatorDefinition,
  { cluster }: Placement,
  workloads: readonly Workload[],
): CustomObject {
  const alerts = foreignPrometheusAlerts(monitoring, cluster, scrapeJobs(workloads));
  const groups = ruleGroups(cluster, [...workloads, { program: "prometheus", alerts }], monitoring.runbookBaseUrl);
  return {
    apiVersion: API_VERSION,
    kind: "PrometheusRule",
    definition: "prometheusrules.monitoring.coreos.com",
    name: `${cluster}-alerts`,
    labels: monitoring.labels,
    spec: { groups: groups.map((group) => ({ ...group, interval: prometheusDuration(monitoring.scrapeInterval) })) },
  };
}
