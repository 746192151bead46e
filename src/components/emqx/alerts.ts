import { isBusinessEmqx } from "../../definition/cross-checks";
import type { Placement } from "../../placement/placement";
import type { AlertRule } from "../../workload";
import { alertLimits } from "../alert-limits";
import { nodeCapacity } from "./capacity";
import type { EmqxCluster } from "./config";
import { sessionCopyAction } from "./session-copy";

/** Prometheus jobs, one for each of EMQX's metrics pages. */
export const JOBS = { stats: "emqx", access: "emqx-access", actions: "emqx-actions" } as const;

export function emqxAlerts(
  definition: EmqxCluster,
  placement: Pick<Placement, "cluster" | "managesMembers">,
): AlertRule[] {
  const { broker, access, sessionStore } = definition;
  const { cluster } = placement;
  return [
    ...availability(definition, stats(cluster)),
    ...capacity(definition, nodeCapacity(definition, placement).connections, stats(cluster)),
    ...clients(stats(cluster)),
    ...(access.kind === "redis" ? [accessStoreUnreachable(selector(JOBS.access, cluster))] : []),
    ...(sessionStore.kind !== "builtIn"
      ? [sessionCopyIncomplete(selector(JOBS.actions, cluster), sessionCopyAction(broker.version))]
      : []),
    ...(isBusinessEmqx(broker.version) && broker.license ? [licenseExpires(stats(cluster))] : []),
  ];
}

/** `name{job="emqx",cluster="dev-mqtt"}`: one Prometheus may watch several clusters. */
type Select = (metric: string, ...labels: string[]) => string;

function selector(job: string, cluster: string): Select {
  return (metric, ...labels) => `${metric}{${[`job="${job}"`, `cluster="${cluster}"`, ...labels].join(",")}}`;
}

const stats = (cluster: string) => selector(JOBS.stats, cluster);

function availability({ broker, monitoring }: EmqxCluster, of: Select): AlertRule[] {
  const downFor = alertLimits(monitoring).downFor;
  const running = of("emqx_cluster_nodes_running");
  const node: AlertRule = {
    alert: "EmqxNodeDown",
    expr: `${of("up")} == 0`,
    for: downFor,
    severity: "critical",
    summary: "EMQX on {{ $labels.instance }} does not answer",
    description:
      "Its clients have moved to the other nodes, if there are any; messages queued on it are lost unless it only hangs. " +
      "Look at its log and whether it still runs.",
  };
  if (broker.nodes === 1) {
    return [node];
  }
  return [
    node,
    {
      alert: "EmqxClusterIncomplete",
      expr: `min(${running}) < ${broker.nodes}`,
      for: downFor,
      severity: "critical",
      summary: `A node of EMQX sees only {{ $value }} of ${broker.nodes} nodes`,
      description:
        "Clients of different nodes may not reach each other. Compare `emqx ctl cluster status` on every node; a node " +
        "that runs but is not a member joins when it is restarted.",
    },
    {
      alert: "EmqxClusterSplit",
      expr: `max(${running}) != min(${running})`,
      for: downFor,
      severity: "critical",
      summary: "EMQX's nodes disagree about who is a member",
      description:
        "Messages do not cross from one part to the other. Mend the network first; with autoheal the smaller part then " +
        "restarts by itself, otherwise restart it.",
    },
    {
      alert: "EmqxStoppedMemberLingers",
      expr: `max(${of("emqx_cluster_nodes_stopped")}) > 0`,
      for: "30m",
      severity: "warning",
      summary: "A stopped node is still a member of the EMQX cluster",
      description:
        "Start it again, or remove it with `emqx ctl cluster force-leave <node>`. One that is down for longer than " +
        "`autoclean` is removed by itself and must be restarted to come back.",
    },
  ];
}

function capacity({ broker, monitoring }: EmqxCluster, connections: number, of: Select): AlertRule[] {
  const percent = alertLimits(monitoring).connectionsPercent;
  const live = of("emqx_live_connections_count");
  const nearLimit: AlertRule = {
    alert: "EmqxConnectionsNearLimit",
    expr: `${live} > ${Math.floor((connections * percent) / 100)}`,
    for: "5m",
    severity: "warning",
    summary: `EMQX on {{ $labels.instance }} holds {{ $value }} of ${connections} connections`,
    description:
      "At the limit a listener refuses clients. Raise clients.maxConnections in the definition, or add nodes; see first " +
      "whether the other nodes hold as many.",
  };
  if (broker.nodes === 1) {
    return [nearLimit];
  }
  return [
    nearLimit,
    {
      alert: "EmqxCannotLoseANode",
      expr: `sum(${live}) > ${connections} * (count(${of("up")} == 1) - 1)`,
      for: "15m",
      severity: "warning",
      summary: "If one more EMQX node fails, the others cannot hold its clients",
      description:
        "Bring back a node that is down, or raise clients.maxConnections in the definition, or add nodes. " +
        "{{ $value }} clients are connected.",
    },
  ];
}

function clients(of: Select): AlertRule[] {
  return [
    {
      alert: "EmqxAnonymousAccepted",
      expr: `increase(${of("emqx_authentication_success_anonymous")}[5m]) > 0`,
      for: "0s",
      severity: "critical",
      summary: "EMQX on {{ $labels.instance }} accepted a client without credentials",
      description:
        "In its first half second EMQX listens before it authenticates. If the node has just started, disconnect the " +
        "client (topic rules hold for it too); if not, authentication was switched off: restart the node.",
    },
    {
      alert: "EmqxQueueOverflows",
      expr: `rate(${of("emqx_delivery_dropped_queue_full")}[5m]) > 0`,
      for: "10m",
      severity: "warning",
      summary: "EMQX on {{ $labels.instance }} drops messages of clients that are offline or slow",
      description:
        "Their queues are full and the oldest messages go. Find slow subscribers, or raise broker.mqtt.maxQueuedMessages.",
    },
  ];
}

function accessStoreUnreachable(of: Select): AlertRule {
  return {
    alert: "EmqxAccessStoreUnreachable",
    // Both fail together: one alert for a node is enough.
    expr: `min by (instance) (${of("emqx_authn_status")} or ${of("emqx_authz_status", 'type="redis"')}) == 0`,
    for: "1m",
    severity: "critical",
    summary: "EMQX on {{ $labels.instance }} cannot ask Redis who may connect",
    description:
      "No client can connect or use a topic for the first time. Look whether Redis runs and its password is right.",
  };
}

function sessionCopyIncomplete(of: Select, action: string): AlertRule {
  const id = `id="${action}"`;
  const lost = ["emqx_action_failed", "emqx_action_dropped"].map((metric) => `increase(${of(metric, id)}[5m]) > 0`);
  return {
    alert: "EmqxSessionCopyIncomplete",
    expr: [`${of("emqx_action_status", id)} == 0`, ...lost].join(" or "),
    for: "1m",
    severity: "warning",
    summary: "EMQX on {{ $labels.instance }} cannot copy sessions to Redis",
    description:
      "Clients are not affected, but what other programs read in Redis is out of date. Events wait in memory while Redis " +
      "is away and are lost when it stays away; the copy is right again for clients that connect anew.",
  };
}

function licenseExpires(of: Select): AlertRule {
  return {
    alert: "EmqxLicenseExpiresSoon",
    expr: `${of("emqx_license_expiry_at")} - time() < 30 * 86400`,
    for: "1h",
    severity: "warning",
    summary: "EMQX's licence ends in {{ $value | humanizeDuration }}",
    description:
      "Without a licence the nodes do not start as a cluster. Change the secret in broker.license and deploy.",
  };
}
