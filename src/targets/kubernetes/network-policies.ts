import type {
  NetworkPolicyV1SpecEgress,
  NetworkPolicyV1SpecIngress,
} from "@cdktf/provider-kubernetes/lib/network-policy-v1";
import type { KubernetesOptions } from "../../definition/kubernetes";
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

/** Of the API server: as its service has it, and as its own hosts usually have it. */
const API_PORTS = [443, 6443];

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
  const clients = numbers("clients");
  const operators = numbers("operators");
  return [
    ...from,
    ...(clients.length > 0 ? [{ ...fromClients(options), ports: tcp(clients) }] : []),
    ...(operators.length > 0 && options.operatorRanges.length > 0
      ? [{ from: options.operatorRanges.map((cidr) => ({ ipBlock: { cidr } })), ports: tcp(operators) }]
      : []),
    ...(input.isWatchedFromOutside && workload.scrape.length > 0
      ? [{ from: [{ namespaceSelector: {} }], ports: tcp(workload.scrape.map(({ port }) => port)) }]
      : []),
    // An operator looks after its pods by all that they offer; it may be in any namespace.
    ...(workload.customResource
      ? [{ from: [{ namespaceSelector: {} }], ports: tcp(workload.ports.map(({ number }) => number)) }]
      : []),
  ];
}

/** With the traffic policy "Cluster" everybody comes with the address of a node, so subnets would tell nothing. */
function fromClients({ clients }: KubernetesOptions): NetworkPolicyV1SpecIngress {
  return clients.sourceRanges && clients.externalTrafficPolicy !== "Cluster"
    ? { from: [...clients.sourceRanges.map((cidr) => ({ ipBlock: { cidr } })), { namespaceSelector: {} }] }
    : {};
}

function egressOf(workload: Workload, { names, readsApi }: FlowInput): NetworkPolicyV1SpecEgress[] {
  return [
    { ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: "53" })) },
    ...workload.connectsTo.map((connection) =>
      "to" in connection
        ? { to: [peer(names, connection.to)], ports: tcp(connection.ports) }
        : { ...toHost(connection.toHost), ports: tcp([connection.port]) },
    ),
    ...(readsApi.includes(workload.name) ? [{ ports: tcp(API_PORTS) }] : []),
  ];
}

/** Policies know addresses only: a name may be anywhere. */
function toHost(host: string): NetworkPolicyV1SpecEgress {
  return /^[\d.]+$/.test(host) ? { to: [{ ipBlock: { cidr: `${host}/32` } }] } : {};
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
