import type { PrometheusDefinition, PrometheusOperatorDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import type { AlertRule } from "../../workload";
import type { ScrapeJob } from "./scrape-jobs";

/** What can go wrong with the watching itself. Failures here are silent by nature: nobody misses an alert. */
export function prometheusAlerts(
  monitoring: PrometheusDefinition,
  cluster: string,
  jobs: readonly ScrapeJob[],
): AlertRule[] {
  const own = `cluster="${cluster}",job="prometheus"`;
  const downFor = prometheusDuration(monitoring.downFor);
  return [
    {
      alert: "Watchdog",
      expr: "vector(1)",
      for: "0s",
      severity: "info",
      summary: "Alerting works. This alert always fires",
      description:
        "Fires as long as Prometheus evaluates rules and Alertmanager takes the result. It goes to no receiver. Let something " +
        "outside of the cluster ask Alertmanager for it, and raise the alarm when it is missing.",
    },
    {
      alert: "PrometheusNotConnectedToAlertmanager",
      // With a fixed address the first half stays at 1 though nothing answers there. The second half sees that within
      // a minute or so, because Watchdog is sent again and again.
      expr:
        `prometheus_notifications_alertmanagers_discovered{${own}} < 1\n` +
        `or sum by (cluster, instance) (rate(prometheus_notifications_errors_total{${own}}[5m])) > 0`,
      for: "10m",
      severity: "critical",
      summary: "{{ $labels.instance }} cannot hand its alerts to Alertmanager",
      description:
        "Nobody is told of anything. Look at the Alerts page of Prometheus for what fires now, and at the log of Alertmanager. " +
        "If this reaches you, the connection is back: what fired in between and is over was never sent.",
    },
    targetMissing(
      cluster,
      jobs,
      downFor,
      `${jobs.some(({ discovered }) => discovered) ? "Pods that are found by one name are not there, or are too few. For all others, the" : "The"} ` +
        "scrape configuration and the rules come from one definition, so one of the two files is not the one that was rolled " +
        "out, or its reload failed.",
    ),
    scrapeFails(cluster),
    {
      alert: "PrometheusConfigReloadFailed",
      expr: `prometheus_config_last_reload_successful{${own}} == 0`,
      for: downFor,
      severity: "critical",
      summary: "{{ $labels.instance }} refused its new configuration",
      description:
        "It goes on with the old targets and rules, and will not start again once it is stopped. Its log names the line.",
    },
    {
      alert: "PrometheusRuleEvaluationFailures",
      expr: `sum by (cluster, instance, rule_group) (increase(prometheus_rule_evaluation_failures_total{${own}}[5m])) > 0`,
      for: "0s",
      severity: "critical",
      summary: "Rules of {{ $labels.rule_group }} cannot be evaluated",
      description:
        "An alert whose rule fails does not fire. Usually two series match where the rule expects one; the Rules page of " +
        "Prometheus shows the error beside the rule.",
    },
  ];
}

/** What goes wrong with the watching by somebody else's Prometheus, as far as this cluster can tell. */
export function foreignPrometheusAlerts(
  monitoring: PrometheusOperatorDefinition,
  cluster: string,
  jobs: readonly ScrapeJob[],
): AlertRule[] {
  return [
    targetMissing(
      cluster,
      jobs,
      prometheusDuration(monitoring.downFor),
      "Its pod is not there, or the Prometheus of the operator has not taken up its PodMonitor, or may not reach the pod.",
    ),
    scrapeFails(cluster),
  ];
}

function targetMissing(cluster: string, jobs: readonly ScrapeJob[], downFor: string, reasons: string): AlertRule {
  return {
    alert: "PrometheusTargetMissing",
    // `up` exists for every target that is configured or found, reachable or not: it is missing only if nobody scrapes it.
    expr: jobs
      .map(({ job, targets }) => {
        const up = `up{cluster="${cluster}",job="${job}"}`;
        const tooFew = targets.length > 1 ? ` or count by (cluster, job) (${up}) < ${targets.length}` : "";
        return `absent(${up})${tooFew}`;
      })
      .join("\nor "),
    for: downFor,
    severity: "critical",
    summary: "Prometheus does not scrape every instance of {{ $labels.job }}",
    description: `Alerts about an instance that is not scraped can never fire. ${reasons}`,
  };
}

function scrapeFails(cluster: string): AlertRule {
  return {
    alert: "PrometheusScrapeFails",
    // Only where the instance answers another job: an instance that answers none has an alert of its own program.
    expr: `up{cluster="${cluster}"} == 0 and on (instance) up{cluster="${cluster}"} == 1`,
    for: "5m",
    severity: "warning",
    summary: "{{ $labels.instance }} runs, but its metrics for {{ $labels.job }} cannot be read",
    description:
      "Alerts that rest on these metrics cannot fire. The Targets page of Prometheus shows the reason beside the target.",
  };
}
