import type { AlertRule } from "../../workload";
import { DEFAULT_ALERT_LIMITS } from "../alert-limits";
import { type BalancerInput, connectionsThreshold } from "../balancer-input";
import { servesMetrics } from "./nginx-config";

const NO_CLIENTS =
  "Clients cannot connect through this balancer, and those connected through it were cut if the process is gone.";

/** All that open-source nginx lets one know; which broker gets how many clients is not part of it. */
export function nginxAlerts(input: BalancerInput): AlertRule[] {
  const { cluster, clients, alertLimits = DEFAULT_ALERT_LIMITS } = input;
  const hasExporter = !servesMetrics(input);
  const series = (metric: string) => `${metric}{cluster="${cluster}",job="nginx"}`;
  return [
    {
      alert: "NginxDown",
      expr: hasExporter ? `${series("nginx_up")} == 0 or ${series("up")} == 0` : `${series("up")} == 0`,
      for: alertLimits.downFor,
      severity: "critical",
      ...(hasExporter
        ? {
            summary: "nginx does not answer the exporter {{ $labels.instance }}",
            description: `${NO_CLIENTS} If it serves clients well, the exporter is what is down.`,
          }
        : { summary: "nginx {{ $labels.instance }} does not answer", description: NO_CLIENTS }),
    },
    {
      alert: "NginxConnectionsNearLimit",
      // Capacity, not accepted minus handled: that difference stays 0 when connections to brokers are what runs out.
      expr: `sum by (cluster) (${series("nginx_connections_active")}) > ${connectionsThreshold(input)}`,
      for: "5m",
      severity: "warning",
      summary: `nginx holds {{ $value }} of ${clients.maxConnections} connections`,
      description:
        "The cluster was laid out for no more: beyond its limit nginx closes new connections unanswered. Raise " +
        "clients.maxConnections, and add brokers if they are near their own limits.",
    },
  ];
}
