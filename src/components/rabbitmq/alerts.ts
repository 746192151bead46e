import type { ClusterDefinition, RabbitmqDefinition } from "../../definition/cluster";
import type { AlertRule } from "../../workload";
import { alertLimits } from "../alert-limits";
import { decidesByMajority, partitionHandling } from "./definition-checks";

export function rabbitmqAlerts({ monitoring, clients, broker }: ClusterDefinition, cluster: string): AlertRule[] {
  const series = (metric: string, labels = "") => `${metric}{cluster="${cluster}",job="rabbitmq"${labels}}`;
  const limits = alertLimits(monitoring);
  const downFor = limits.downFor;
  const peers = broker.nodes - 1;
  const mayPause = peers > 0 && partitionHandling(broker as RabbitmqDefinition) === "pause_minority";
  return [
    {
      alert: "RabbitmqNodeDown",
      expr: `${series("up")} == 0`,
      for: downFor,
      severity: "critical",
      summary: "RabbitMQ {{ $labels.instance }} does not answer",
      description:
        "Its clients were cut and are on the other nodes now. The process is gone" +
        `${mayPause ? ", or the node sees only a minority of the cluster and has paused itself" : ", or hangs"}: ` +
        "look at its log.",
    },
    {
      alert: "RabbitmqClusterTooSmall",
      // The members of the largest cluster; a node that runs alone has a cluster id of its own.
      expr: `max(count by (rabbitmq_cluster_permanent_id) (${series("rabbitmq_identity_info")})) < ${broker.nodes}`,
      for: "10m",
      severity: "critical",
      summary: `RabbitMQ runs with {{ $value }} of ${broker.nodes} nodes`,
      description:
        "It has been so for a while: nothing is going to bring the missing nodes back by itself. One more that fails may " +
        "take the majority away, and with it every persistent session.",
    },
    {
      alert: "RabbitmqClusterSplit",
      expr: `count(count by (rabbitmq_cluster_permanent_id) (${series("rabbitmq_identity_info")})) > 1`,
      for: downFor,
      severity: "critical",
      summary: "RabbitMQ is {{ $value }} clusters instead of one",
      description:
        "Clients of one do not get the messages of the other. A node that found nobody at its first start, or that lost its " +
        "data, went on alone: stop it, empty its data directory and start it again while the others run.",
    },
    ...(peers === 0
      ? []
      : [
          {
            alert: "RabbitmqPeerUnreachable",
            expr:
              `${series("up")} == 1 unless on (instance) count by (instance) ` +
              `(${series("erlang_vm_dist_node_state", ',peer=~"rabbit@.*"')} == 3) >= ${peers}`,
            for: downFor,
            severity: "warning",
            summary: "RabbitMQ {{ $labels.instance }} does not see all other nodes",
            description:
              "A node is down, or the network between nodes is cut. With every node up it is the network: look at the " +
              `connections to port 25672, and for '${decidesByMajority(broker.version) ? "node down" : "partition"}' in the logs.`,
          } as const,
        ]),
    {
      alert: "RabbitmqConnectionsNearLimit",
      expr: `sum by (cluster) (${series("rabbitmq_connections")}) > ${Math.floor((clients.maxConnections * limits.connectionsPercent) / 100)}`,
      for: "5m",
      severity: "warning",
      summary: `RabbitMQ holds {{ $value }} of ${clients.maxConnections} connections`,
      description:
        "The cluster was laid out for no more. Raise clients.maxConnections, and add nodes or memory if they are near their " +
        "own limits.",
    },
    {
      alert: "RabbitmqMemoryAlarm",
      expr: `${series("rabbitmq_alarms_memory_used_watermark")} == 1`,
      for: "0s",
      severity: "critical",
      summary: "RabbitMQ {{ $labels.instance }} is short of memory",
      description:
        "No client of any node can publish until memory is free again. Look for queues that grow: sessions of clients that " +
        "stay away, consumers that are too slow.",
    },
    {
      alert: "RabbitmqDiskAlarm",
      expr: `${series("rabbitmq_alarms_free_disk_space_watermark")} == 1`,
      for: "0s",
      severity: "critical",
      summary: "RabbitMQ {{ $labels.instance }} is short of disk space",
      description:
        "No client of any node can publish until there is more space than broker.diskFreeLimit. Look at what else fills the " +
        "disk, and for queues that grow.",
    },
  ];
}
