import type { PrometheusDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import { toYaml } from "../../formats/yaml";
import { pathAndParams, type ScrapeJob } from "./scrape-jobs";

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

function scrapeConfig(job: ScrapeJob, cluster: string): object {
  const { path, params } = pathAndParams(job.path);
  return {
    job_name: job.job,
    metrics_path: path,
    ...(params && { params }),
    ...(job.discovered ? discovery(job.discovered, cluster) : staticTargets(job, cluster)),
  };
}

/**
 * Both labels are given with the target. `cluster` lets one Prometheus watch several clusters. `instance` would otherwise
 * be address and port, which differ between programs on one host and change when a host moves; `broker-1` stays, so a
 * series goes on and an alert names what an operator knows. Relabelling would do the same with a pattern to get wrong.
 */
function staticTargets({ targets }: ScrapeJob, cluster: string): object {
  return {
    static_configs: targets.map(({ address, instance }) => ({ targets: [address], labels: { cluster, instance } })),
  };
}

/**
 * Pods that come and go under new names. Their service's name has the addresses of all of them, so nothing has to be asked of
 * Kubernetes: Prometheus needs no right to list pods there, and Debian's (2.42) could not ask.
 */
function discovery({ pods, port }: NonNullable<ScrapeJob["discovered"]>, cluster: string): object {
  return {
    dns_sd_configs: [{ names: [pods.host], type: "A", port, refresh_interval: "5s" }],
    relabel_configs: [
      { target_label: "cluster", replacement: cluster },
      // Not the port: it differs between programs.
      { source_labels: ["__address__"], regex: "(.+):\\d+", target_label: "instance" },
    ],
  };
}
