import type { PrometheusDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import { toYaml } from "../../formats/yaml";
import type { ScrapeJob } from "./scrape-jobs";

export interface PrometheusConfigInput {
  readonly cluster: string;
  readonly jobs: readonly ScrapeJob[];
  readonly rulesPath: string;
  readonly alertmanagerAddress: string;
}

/** `prometheus.yml`. */
export function renderPrometheusConfig({ scrapeInterval }: PrometheusDefinition, input: PrometheusConfigInput): string {
  const interval = prometheusDuration(scrapeInterval);
  return toYaml(
    {
      global: {
        scrape_interval: interval,
        // Longer than the interval would be refused.
        scrape_timeout: prometheusDuration(Math.min(10, scrapeInterval)),
        evaluation_interval: interval,
      },
      rule_files: [input.rulesPath],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [input.alertmanagerAddress] }] }] },
      scrape_configs: input.jobs.map((job) => scrapeConfig(job, input.cluster)),
    },
    `Generated from the definition of MQTT cluster "${input.cluster}": change it there.`,
  );
}

/**
 * Both labels are given with the target. `cluster` lets one Prometheus watch several clusters. `instance` would otherwise
 * be address and port, which differ between programs on one host and change when a host moves; `broker-1` stays, so a
 * series goes on and an alert names what an operator knows. Relabelling would do the same with a pattern to get wrong.
 */
function scrapeConfig({ job, path, targets }: ScrapeJob, cluster: string): object {
  // A query in metrics_path would be escaped into the path.
  const url = new URL(path, "http://target");
  return {
    job_name: job,
    metrics_path: url.pathname,
    ...(url.search && { params: Object.fromEntries([...url.searchParams].map(([key, value]) => [key, [value]])) }),
    static_configs: targets.map(({ address, instance }) => ({ targets: [address], labels: { cluster, instance } })),
  };
}
