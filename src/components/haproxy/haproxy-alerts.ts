import { SOURCE_PORTS } from "../../definition/balancer-capacity";
import type { AlertRule } from "../../workload";
import { DEFAULT_ALERT_LIMITS } from "../alert-limits";
import { type BalancerInput, connectionsThreshold } from "../balancer-input";

export function haproxyAlerts(input: BalancerInput): AlertRule[] {
  const { cluster, alertLimits = DEFAULT_ALERT_LIMITS } = input;
  const series = (metric: string, labels = "") => `${metric}{cluster="${cluster}",job="haproxy"${labels}}`;
  const downFor = alertLimits.downFor;
  return [
    {
      alert: "HaproxyDown",
      expr: `${series("up")} == 0`,
      for: downFor,
      severity: "critical",
      summary: "HAProxy {{ $labels.instance }} does not answer",
      description:
        "Clients cannot connect through this balancer, and those connected through it were cut if the process is gone. " +
        "Look at its log: it refuses to start on a configuration error or when it may not open enough files.",
    },
    {
      alert: "HaproxyNoBrokerLeft",
      // Of the checked backend only: the others follow it.
      expr: `${series("haproxy_backend_active_servers", ',proxy="mqtt-brokers"')} == 0`,
      for: "0s",
      severity: "critical",
      summary: "HAProxy {{ $labels.instance }} has no broker left",
      description:
        "No broker passes the health check, so every client is turned away. Look at the brokers; if they are well, look " +
        "at what the check asks them for.",
    },
    {
      alert: "HaproxyServerDown",
      // Not `state="DOWN"`: a server whose name is no longer resolved is in MAINT, and gets no clients either.
      expr: `${series("haproxy_server_status", ',proxy="mqtt-brokers",state="UP"')} == 0`,
      for: downFor,
      severity: "warning",
      summary: "HAProxy {{ $labels.instance }} sends no clients to {{ $labels.server }}",
      description:
        "The broker fails its health check, its name does not resolve, or somebody took it out. Its clients are on the " +
        "other brokers now. Look at the broker's log.",
    },
    {
      alert: "HaproxyServerNotChecked",
      expr:
        `count by (instance, server) (${series("haproxy_server_status", ',proxy="mqtt-brokers",state="UP"')} == 1) ` +
        `unless count by (instance, server) (${series("haproxy_server_check_status", ',proxy="mqtt-brokers"')})`,
      for: "5m",
      severity: "warning",
      summary: "HAProxy {{ $labels.instance }} does not check {{ $labels.server }}",
      description:
        "A server without a check counts as up for ever, dead or alive. The configuration has been changed by hand: " +
        "compare it with the one that was deployed.",
    },
    {
      alert: "HaproxyConnectionsNearLimit",
      expr: `sum by (cluster) (${series("haproxy_process_current_connections")}) > ${connectionsThreshold(input)}`,
      for: "5m",
      severity: "warning",
      summary: `HAProxy holds {{ $value }} of ${input.clients.maxConnections} connections`,
      description:
        "The cluster was laid out for no more: beyond its limit HAProxy leaves new clients waiting without an answer. Raise " +
        "clients.maxConnections, and add brokers if they are near their own limits.",
    },
    {
      alert: "HaproxySourcePortsNearLimit",
      expr: `${series("haproxy_server_current_sessions")} > ${Math.floor(SOURCE_PORTS * 0.8)}`,
      for: "5m",
      severity: "critical",
      summary: "HAProxy {{ $labels.instance }} runs out of source ports for {{ $labels.server }}",
      description:
        `Linux has ${SOURCE_PORTS} ports for connections from one address to one other; beyond that connects fail. ` +
        "Usually another broker is down and this one took its clients. Bring that one back, or add brokers.",
    },
  ];
}
