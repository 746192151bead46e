import { compareVersions } from "compare-versions";
import type { BalancerDefinition, RabbitmqDefinition } from "../../definition/cluster";
import { decidesByMajority } from "./definition-checks";

/** What users of other brokers would not expect. */
export function rabbitmqNotes({ version, nodes }: RabbitmqDefinition, balancer: BalancerDefinition): string[] {
  const before = (limit: string) => compareVersions(version, limit) < 0;
  return [
    `RabbitMQ ${version} speaks MQTT 3.1.1${before("3.13") ? "" : " and 5"}. It has no QoS 2: a subscription is granted QoS 1, ` +
      (before("3.13") ? "a message is taken with QoS 1." : "and a client that publishes with QoS 2 is cut off."),
    nodes === 1
      ? "A session outlives a restart of the node, not the loss of its data."
      : "A persistent session (QoS 1) is a quorum queue on three nodes: it outlives any one of them, and costs memory and disk on three.",
    ...(nodes > 1 ? splitNotes(version) : []),
    ...(nodes > 1 && before("3.12")
      ? [
          `RabbitMQ ${version} lets no client in for about two minutes after a restart of all nodes: nodes that start at the same ` +
            "time wait for each other (the MQTT plugin's Raft group, gone in 3.12).",
        ]
      : []),
    ...(before("3.13")
      ? ["mqtt.maxPacketSize limits the payload of a message; other packets have no limit before RabbitMQ 3.13."]
      : []),
    ...(balancer.kind === "haproxy"
      ? [
          "HAProxy's health check is a CONNECT without a password every two seconds, and RabbitMQ logs two errors for each: " +
            `${(balancer.replicas * 86_400).toLocaleString("en")} lines a day on every node (about ${balancer.replicas * 10} MB), ` +
            "and half as many failed logins in its metrics. They come from 127.0.0.1; the level of the log cannot tell them " +
            "from those of clients.",
        ]
      : []),
    "Retained messages are kept by the node that received them: a subscription on another node is not sent them.",
    "A user removed from the definition stays in RabbitMQ until `rabbitmqctl delete_user` removes it.",
    "RabbitMQ publishes no $SYS topics, and to it `.` in a topic is the same as `/`.",
  ];
}

function splitNotes(version: string): string[] {
  if (!decidesByMajority(version)) {
    return [];
  }
  // https://github.com/rabbitmq/rabbitmq-server/commit/84de0f4642
  const refusesClients = compareVersions(version, "4.2.5") >= 0;
  return [
    "A node that sees no majority of the cluster keeps its clients, but " +
      `${refusesClients ? "lets no new ones in and " : ""}takes no new subscriptions until it sees the majority again. ` +
      "The balancer's check does not notice.",
    ...(compareVersions(version, "4.3") < 0
      ? [
          "A cluster made with RabbitMQ before 4.2 does nothing about a split until `rabbitmqctl enable_feature_flag khepri_db` " +
            "has moved its metadata to the new store, which 4.3 requires.",
        ]
      : []),
  ];
}
