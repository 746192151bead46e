import type { ClusterDefinition } from "../definition/cluster";
import { writesThroughWebdis } from "../definition/cross-checks";
import type { Demand, Placement } from "../placement/placement";
import { onlyHost } from "../placement/placement";
import type { Workload, WorkloadName } from "../workload";
import { alertLimits } from "./alert-limits";
import { ALERTMANAGER_PORT, alertmanagerWorkload } from "./alertmanager/alertmanager";
import { balancerWorkload } from "./balancer";
import type { BalancerInput } from "./balancer-input";
import type { BrokerInterface } from "./broker-interface";
import { emqxInterface, emqxWorkload } from "./emqx/emqx";
import { virtualAddressWorkloads } from "./keepalived/keepalived";
import { servesMetrics } from "./nginx/nginx-config";
import { nginxExporterWorkload } from "./nginx/nginx-exporter";
import { prometheusWorkload } from "./prometheus/prometheus";
import { rabbitmqInterface, rabbitmqWorkload } from "./rabbitmq/rabbitmq";
import { redisWorkload } from "./redis/redis";
import { redisServer } from "./redis/server";
import { redisExporterWorkload } from "./redis-exporter/redis-exporter";
import { webdisWorkload } from "./webdis/webdis";

/** Which instances a definition needs, before anybody knows where they run. */
export function clusterDemands(definition: ClusterDefinition): Demand[] {
  const { broker, balancer, sessionStore, monitoring } = definition;
  const one = (...workloads: WorkloadName[]): Demand[] => workloads.map((workload) => ({ workload, count: 1 }));
  return [
    { workload: "broker", count: broker.nodes },
    ...(balancer.kind === "none" ? [] : [{ workload: "balancer", count: balancer.replicas } as const]),
    ...(balancer.kind === "nginx" && monitoring.kind !== "none" ? one("balancer-exporter") : []),
    ...(sessionStore.kind === "redis" ? one("session-store") : []),
    ...(writesThroughWebdis(definition) ? one("session-writer") : []),
    ...(sessionStore.kind === "redis" && monitoring.kind !== "none" ? one("session-store-exporter") : []),
    ...(monitoring.kind === "prometheus" ? one("prometheus", "alertmanager") : []),
  ];
}

/** Every program of the cluster, rendered for its place. */
export function clusterWorkloads(definition: ClusterDefinition, placement: Placement): Workload[] {
  const watched = [
    ...sessionStoreWorkloads(definition, placement),
    brokerWorkload(definition, placement),
    ...balancerWorkloads(definition, placement),
  ];
  return [...watched, ...monitoringWorkloads(definition, placement, watched)];
}

export function brokerInterface(definition: ClusterDefinition): BrokerInterface {
  return definition.broker.kind === "emqx" ? emqxInterface(definition) : rabbitmqInterface(definition);
}

function brokerWorkload(definition: ClusterDefinition, placement: Placement): Workload {
  return definition.broker.kind === "emqx"
    ? emqxWorkload(definition, placement)
    : rabbitmqWorkload(definition, placement);
}

function balancerWorkloads(definition: ClusterDefinition, placement: Placement): Workload[] {
  const { balancer, clients, monitoring } = definition;
  if (balancer.kind === "none") {
    return [];
  }
  const input: BalancerInput = {
    ...placement,
    clients,
    brokers: brokerInterface(definition),
    servers: placement.instances("broker"),
    instances: placement.instances("balancer"),
    // On one network a round trip takes less than a millisecond. HAProxy then tries another broker, so that not even a
    // dropped SYN is worth a longer wait: clients of a host that is gone are back in less than a second.
    connectTimeoutMs: 300,
    startsAfter: ["broker"],
    alertLimits: alertLimits(monitoring),
  };
  return [
    balancerWorkload(balancer, input),
    ...virtualAddressWorkloads(placement),
    ...(balancer.kind === "nginx" && monitoring.kind !== "none" && !servesMetrics(placement)
      ? [nginxExporterWorkload(input, placement)]
      : []),
  ];
}

function sessionStoreWorkloads(definition: ClusterDefinition, placement: Placement): Workload[] {
  const { sessionStore, monitoring } = definition;
  if (sessionStore.kind === "builtIn") {
    return [];
  }
  const server = redisServer(sessionStore, placement);
  const input = (workload: WorkloadName) => ({ ...placement, instances: placement.instances(workload) });
  return [
    ...(sessionStore.kind === "redis" ? [redisWorkload(sessionStore, input("session-store"))] : []),
    ...(writesThroughWebdis(definition) ? [webdisWorkload(sessionStore, { ...input("session-writer"), server })] : []),
    // Who runs an existing Redis watches it, too: brokers tell what they notice of it.
    ...(sessionStore.kind === "redis" && monitoring.kind !== "none"
      ? [
          redisExporterWorkload(sessionStore, {
            ...input("session-store-exporter"),
            redisHost: server.host,
            alertLimits: alertLimits(monitoring),
          }),
        ]
      : []),
  ];
}

function monitoringWorkloads(
  { monitoring }: ClusterDefinition,
  placement: Placement,
  watched: readonly Workload[],
): Workload[] {
  if (monitoring.kind !== "prometheus") {
    return [];
  }
  const alertmanager = alertmanagerWorkload(monitoring, placement);
  const prometheus = prometheusWorkload(monitoring, placement, {
    alertmanagerAddress: `${onlyHost(placement, "alertmanager")}:${ALERTMANAGER_PORT}`,
    watched: [...watched, alertmanager],
  });
  return [alertmanager, prometheus];
}
