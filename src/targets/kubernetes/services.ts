import type { ServiceV1Config, ServiceV1SpecPort } from "@cdktf/provider-kubernetes/lib/service-v1";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import { escapeTemplate } from "../../formats/terraform";
import type { Port, Workload } from "../../workload";
import type { Endpoint } from "../platform";
import type { Names } from "./names";

type Spec = Pick<ServiceV1Config, "spec" | "waitForLoadBalancer" | "timeouts"> & {
  readonly annotations?: Record<string, string>;
};

/** Pods known one by one: also while they are not ready, since they must find each other to become that. */
export function headlessService({ name, ports }: Workload, names: Names): Spec {
  return {
    spec: {
      clusterIp: "None",
      publishNotReadyAddresses: true,
      selector: names.selector(name),
      port: ports.map((port) => servicePort(port)),
    },
  };
}

/** One address inside of the cluster for what is not for clients. */
export function internalService(workload: Workload, names: Names): Spec {
  return {
    spec: {
      type: "ClusterIP",
      selector: names.selector(workload.name),
      port: workload.ports.filter(({ audience }) => audience !== "clients").map((port) => servicePort(port)),
    },
  };
}

/** How long a load balancer may take to be there. */
const LOAD_BALANCER_TIMEOUT = "5m";

/** Where clients connect: balancers, or brokers where there are none. */
export function clientsService(workload: Workload, names: Names, { clients }: KubernetesOptions): Spec {
  const { type, annotations, sourceRanges, nodePorts, externalTrafficPolicy, loadBalancerClass } = clients;
  return {
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, escapeTemplate(value)])),
    waitForLoadBalancer: type === "LoadBalancer",
    timeouts: type === "LoadBalancer" ? { create: LOAD_BALANCER_TIMEOUT } : undefined,
    spec: {
      type,
      selector: names.selector(workload.name),
      port: workload.ports.filter(isForClients).map((port) => servicePort(port, nodePorts[port.name as "mqtt"])),
      ...(type !== "ClusterIP" && { externalTrafficPolicy: externalTrafficPolicy ?? "Local" }),
      ...(type === "LoadBalancer" && { loadBalancerSourceRanges: sourceRanges, loadBalancerClass }),
    },
  };
}

export function isForClients({ audience }: Port): boolean {
  return audience === "clients";
}

function servicePort({ name, number }: Port, nodePort?: number): ServiceV1SpecPort {
  return { name, port: number, targetPort: String(number), protocol: "TCP", nodePort };
}

/** What people and other programs connect to. */
export function endpointsOf(workloads: readonly Workload[], names: Names, { clients }: KubernetesOptions): Endpoint[] {
  return workloads.flatMap((workload) =>
    workload.ports.flatMap(({ name, number, audience, scheme, urlPath = "" }): Endpoint[] => {
      if (!scheme || audience === "cluster") {
        return [];
      }
      if (audience === "operators") {
        // Whoever makes brokers makes a service of that name for them.
        const service = workload.name === "broker" ? names.headlessService("broker") : names.of(workload.name);
        const url = `${scheme}://${names.hostOfService(service)}:${number}${urlPath}`;
        return [{ name, url, audience, boundTo: `${service}:${number}` }];
      }
      const service = names.of("clients");
      // By the name that clients have for it they reach nodes, and by its own the service.
      const port = (clients.type === "NodePort" && clients.hostName && clients.nodePorts[name as "mqtt"]) || number;
      const url = `${scheme}://${clients.hostName ?? names.hostOfService(service)}:${port}${urlPath}`;
      return [{ name, url, audience, boundTo: `${service}:${number}` }];
    }),
  );
}
