import type { PrometheusDefinition } from "../../definition/cluster";
import { prometheusDuration } from "../../formats/prometheus-duration";
import type { AlertRule } from "../../workload";

/** Alerts about the delivery of alerts: what they say cannot rely on it, so they are for the Alerts page of Prometheus. */
export function alertmanagerAlerts(monitoring: PrometheusDefinition, cluster: string): AlertRule[] {
  const own = `cluster="${cluster}",job="alertmanager"`;
  const downFor = prometheusDuration(monitoring.downFor);
  return [
    {
      alert: "AlertmanagerDown",
      expr: `up{${own}} == 0`,
      for: downFor,
      severity: "critical",
      summary: "{{ $labels.instance }} does not answer",
      description: "Nobody is told of anything until it is back. Prometheus still shows on its Alerts page what fires.",
    },
    {
      alert: "AlertmanagerConfigReloadFailed",
      expr: `alertmanager_config_last_reload_successful{${own}} == 0`,
      for: downFor,
      severity: "critical",
      summary: "{{ $labels.instance }} refused its new configuration",
      description:
        "It goes on with the old receivers, and will not start again once it is stopped. Its log names the line.",
    },
    ...(monitoring.webhook
      ? [
          {
            alert: "AlertmanagerNotificationsFailing",
            expr: `sum by (cluster, instance, integration) (increase(alertmanager_notifications_failed_total{${own}}[5m])) > 0`,
            for: "5m",
            severity: "critical",
            summary: "{{ $labels.instance }} cannot deliver alerts to the {{ $labels.integration }}",
            description:
              "The receiver refuses them or does not answer, so nobody is told. The log of Alertmanager holds its answer. " +
              "If this reaches you, delivery works again.",
          } as const,
        ]
      : []),
  ];
}
