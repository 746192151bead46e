import { Broker, SessionStore } from "../../../src";
import { rabbitmqAlerts } from "../../../src/components/rabbitmq/alerts";
import { type AlertCases, describeAlerts } from "../../support/alert-tests";
import { fullDefinition } from "../../support/definitions";
import { CLUSTER } from "../../support/watched";

const DEFINITION = fullDefinition({ broker: Broker.rabbitmq(), sessionStore: SessionStore.builtIn() });
const NODES = [1, 2, 3];

const series = (metric: string, node: number, labels = "") =>
  `${metric}{job="rabbitmq",instance="broker-${node}"${labels}}`;
const onNodes = (metric: string, values: readonly string[]) =>
  Object.fromEntries(values.map((value, index) => [series(metric, index + 1), value]));

/** Nodes by the cluster they are in. */
const identities = (...clusters: string[]) =>
  Object.fromEntries(
    clusters.map((id, index) => [
      series(
        "rabbitmq_identity_info",
        index + 1,
        `,rabbitmq_node="rabbit@b${index + 1}",rabbitmq_cluster_permanent_id="${id}"`,
      ),
      "1x40",
    ]),
  );

/** Every node up, and the states of their links to each other: 3 is up. */
const links = (state: (from: number, to: number) => string | undefined) => ({
  ...onNodes("up", ["1x40", "1x40", "1x40"]),
  ...Object.fromEntries(
    NODES.flatMap((from) =>
      NODES.filter((to) => to !== from && state(from, to)).map((to) => [
        series("erlang_vm_dist_node_state", from, `,peer="rabbit@broker-${to}.dev-mqtt.internal"`),
        state(from, to) as string,
      ]),
    ),
  ),
});

const CASES: AlertCases = {
  RabbitmqNodeDown: {
    fires: onNodes("up", ["1x40", "0x40"]),
    silent: onNodes("up", ["1x40", "1x40"]),
  },
  RabbitmqClusterTooSmall: [
    { fires: identities("A", "A"), silent: identities("A", "A", "A") },
    { fires: identities("A", "A", "B"), silent: identities("A", "A", "A") },
  ],
  RabbitmqClusterSplit: { fires: identities("A", "A", "B"), silent: identities("A", "A", "A") },
  RabbitmqPeerUnreachable: [
    { fires: links((from, to) => (from === 1 && to === 2 ? "1x40" : "3x40")), silent: links(() => "3x40") },
    // A link that is gone leaves no series.
    { fires: links((from, to) => (from + to > 4 ? "3x40" : undefined)), silent: links(() => "3x40"), count: 3 },
    {
      fires: links((from, to) => (from === 1 && to === 2 ? undefined : "3x40")),
      // A command-line tool is a peer, too.
      silent: {
        ...links(() => "3x40"),
        [series("erlang_vm_dist_node_state", 1, ',peer="rabbitmqcli-7@broker-1"')]: "1x40",
      },
    },
  ],
  RabbitmqConnectionsNearLimit: {
    fires: onNodes("rabbitmq_connections", ["4000x40", "4001x40"]),
    silent: onNodes("rabbitmq_connections", ["4000x40", "4000x40"]),
  },
  RabbitmqMemoryAlarm: {
    fires: onNodes("rabbitmq_alarms_memory_used_watermark", ["0x40", "1x40"]),
    silent: onNodes("rabbitmq_alarms_memory_used_watermark", ["0x40", "0x40"]),
  },
  RabbitmqDiskAlarm: {
    fires: onNodes("rabbitmq_alarms_free_disk_space_watermark", ["0x40", "1x40"]),
    silent: onNodes("rabbitmq_alarms_free_disk_space_watermark", ["0x40", "0x40"]),
  },
};

describeAlerts("rabbitmq", rabbitmqAlerts(DEFINITION, CLUSTER), CASES);
