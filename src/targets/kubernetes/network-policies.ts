import type {
  NetworkPolicyV1SpecEgress,
  NetworkPolicyV1SpecIngress,
} from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { Connection, Workload, WorkloadName } from "../../workload";
import type { Names } from "./names";

/** Who reaches a workload's pods, and whom they reach: what the definition asks for, DNS, and nothing else. */
export interface Flows {
  readonly ingress: NetworkPolicyV1SpecIngress[];
  readonly egress: NetworkPolicyV1SpecEgress[];
}

interface FlowInput {
  readonly workloads: readonly Workload[];
  readonly names: Names;
  readonly options: KubernetesOptions;
  /** Workloads that ask the API server. */
  readonly readsApi: readonly WorkloadName[];
  /** A Prometheus in another namespace reads the metrics. */
  readonly isWatchedFromOutside: boolean;
}

/** Of the API server: as its service has it, and as its own hosts have it in one distribution or another. */
const API_PORTS = [443, 6443, 8443, 16443];

export function flowsOf(workload: Workload, input: FlowInput): Flows {
  return { ingress: ingressOf(workload, input), egress: egressOf(workload, input) };
}

function ingressOf(workload: Workload, input: FlowInput): NetworkPolicyV1SpecIngress[] {
  const { workloads, names, options } = input;
  const from = workloads.flatMap((other) => {
    const ports = portsTo(other.connectsTo, workload.name);
    return ports.length > 0 ? [{ from: [peer(names, other.name)], ports: tcp(ports) }] : [];
  });
  const numbers = (audience: "clients" | "operators") =>
    workload.ports.filter((port) => port.audience === audience).map(({ number }) => number);
  const shared = [
    ...workload.ports.filter(({ isShared }) => isShared).map(({ number }) => number),
    // Without a Prometheus that is known here, for one of somebody's own.
    ...(isWatched(input) ? [] : workload.scrape.map(({ port }) => port)),
  ];
  const clients = numbers("clients");
  const operators = numbers("operators");
  return [
    ...from,
    // Whatever runs in the namespace; a policy of one's own lets in more.
    ...(shared.length > 0 ? [{ from: [{ podSelector: {} }], ports: tcp(shared) }] : []),
    ...(clients.length > 0 ? [{ ...fromClients(options), ports: tcp(clients) }] : []),
    ...(operators.length > 0 && options.operatorRanges.length > 0
      ? [{ from: options.operatorRanges.map((cidr) => ({ ipBlock: { cidr } })), ports: tcp(operators) }]
      : []),
    ...(input.isWatchedFromOutside && workload.scrape.length > 0
      ? [{ from: [{ namespaceSelector: {} }], ports: tcp(workload.scrape.map(({ port }) => port)) }]
      : []),
    // An operator asks its pods how they are; it may be in any namespace.
    ...(workload.customResource && workload.alive
      ? [{ from: [{ namespaceSelector: {} }], ports: tcp([workload.alive.port]) }]
      : []),
  ];
}

function isWatched({ workloads, isWatchedFromOutside }: FlowInput): boolean {
  return isWatchedFromOutside || workloads.some(({ name }) => name === "prometheus");
}

/**
 * By subnets only where nobody stands in between: a load balancer keeps them itself, and may come with addresses of its own; with
 * the traffic policy "Cluster" everybody comes with the address of a node.
 */
function fromClients({ clients }: KubernetesOptions): NetworkPolicyV1SpecIngress {
  return clients.sourceRanges && clients.type === "NodePort" && clients.externalTrafficPolicy !== "Cluster"
    ? { from: [...clients.sourceRanges.map((cidr) => ({ ipBlock: { cidr } })), { namespaceSelector: {} }] }
    : {};
}

function egressOf(workload: Workload, { names, readsApi }: FlowInput): NetworkPolicyV1SpecEgress[] {
  return [
    // The second as pods of OpenShift's DNS have it: policies see ports behind a service.
    { ports: ["53", "5353"].flatMap((port) => ["UDP", "TCP"].map((protocol) => ({ protocol, port }))) },
    ...workload.connectsTo.flatMap((connection) =>
      "to" in connection
        ? [{ to: [peer(names, connection.to)], ports: tcp(connection.ports) }]
        : toHost(connection.toHost, connection.port),
    ),
    ...(readsApi.includes(workload.name) ? [{ ports: tcp(API_PORTS) }] : []),
  ];
}

/**
 * Policies know addresses only, and a name may have any. What may be a service of the cluster is reached at its pods, on ports
 * that only its owner knows.
 */
function toHost(host: string, port: number): NetworkPolicyV1SpecEgress[] {
  const isAddress = /^[\d.]+$/.test(host);
  const mayBeService =
    /^(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)\./.test(host) || /\.svc(?:\.|$)/.test(host) || !/\..*\./.test(host);
  return [
    { ...(isAddress && { to: [{ ipBlock: { cidr: `${host}/32` } }] }), ports: tcp([port]) },
    ...(mayBeService ? [{ to: [{ namespaceSelector: {} }] }] : []),
  ];
}

function portsTo(connections: readonly Connection[], name: WorkloadName): number[] {
  return connections.flatMap((connection) => ("to" in connection && connection.to === name ? connection.ports : []));
}

function peer(names: Names, workload: WorkloadName) {
  return { podSelector: { matchLabels: names.selector(workload) } };
}

function tcp(ports: readonly number[]) {
  return [...new Set(ports)].map((port) => ({ protocol: "TCP", port: String(port) }));
}
