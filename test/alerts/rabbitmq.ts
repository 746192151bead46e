import type { AlertCases, Series } from "../support/alert-tests";

function nodes(metric: string, ...values: string[]): Series {
  return Object.fromEntries(
    values.map((value, index) => [`${metric}{job="rabbitmq",instance="broker-${index + 1}"}`, value]),
  );
}

/** One member of a cluster, by the id that the cluster gave itself. */
function members(...ids: string[]): Series {
  return Object.fromEntries(
    ids.map((id, index) => [
      `rabbitmq_identity_info{job="rabbitmq",instance="broker-${index + 1}",rabbitmq_cluster_permanent_id="${id}"}`,
      "1x40",
    ]),
  );
}

/** 3 is "up". */
function links(from: number, states: Readonly<Record<number, string>>): Series {
  return Object.fromEntries(
    Object.entries(states).map(([to, state]) => [
      `erlang_vm_dist_node_state{job="rabbitmq",instance="broker-${from}",peer="rabbit@broker-${to}.dev-mqtt.internal"}`,
      state,
    ]),
  );
}

const UP = nodes("up", "1x40");
const memory = (value: string) => nodes("rabbitmq_alarms_memory_used_watermark", value);
const disk = (value: string) => nodes("rabbitmq_alarms_free_disk_space_watermark", value);

export const RABBITMQ_CASES: AlertCases = {
  RabbitmqNodeDown: {
    fires: nodes("up", "1x40", "1x10 0x30", "1x40"),
    silent: nodes("up", "1x40", "0x28 1x10", "1x40"),
  },
  RabbitmqClusterTooSmall: [
    { fires: members("a", "a"), silent: members("a", "a", "a") },
    // Three nodes run, but not as one cluster.
    { fires: members("a", "a", "b"), silent: members("a", "a", "a") },
  ],
  RabbitmqClusterSplit: { fires: members("a", "a", "b"), silent: members("a", "a") },
  RabbitmqPeerUnreachable: [
    {
      fires: { ...UP, ...links(1, { 2: "3x40", 3: "1x40" }) },
      silent: { ...UP, ...links(1, { 2: "3x40", 3: "3x40" }) },
    },
    // It has lost every peer, and the series with them.
    { fires: UP, silent: { ...UP, ...links(1, { 2: "3x40", 3: "0x28 3x12" }) } },
  ],
  RabbitmqConnectionsNearLimit: {
    fires: nodes("rabbitmq_connections", "4000x40", "4001x40"),
    silent: nodes("rabbitmq_connections", "4000x40", "4000x40"),
  },
  RabbitmqMemoryAlarm: { fires: memory("0x29 1x10"), silent: memory("1x29 0x10") },
  RabbitmqDiskAlarm: { fires: disk("0x29 1x10"), silent: disk("1x29 0x10") },
};
