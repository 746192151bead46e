import type { Instance, WorkloadName } from "../workload";

/** How brokers find each other. */
export type Discovery = { readonly kind: "static" } | { readonly kind: "dns-srv"; readonly name: string };

/** What a folder is for: files that were rendered, files that must survive, sockets of the running program. */
export type FolderUse = "configuration" | "data" | "runtime";

/** An address that is always on one of the balancers that work. */
export interface VirtualAddress {
  /** With the prefix of its network: `10.0.0.100/24`. */
  readonly address: string;
  /** Of every balancer's host: `eth0`. */
  readonly interface: string;
  /** Tells groups of VRRP routers in one network apart: 1 to 255. */
  readonly routerId: number;
}

/** The pods that run a workload on Kubernetes. */
export interface Pods {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether they are known by name for ever: those of a deployment or an operator come and go under new ones. */
  readonly haveLastingNames: boolean;
  /** The name in DNS that has the addresses of all of them, ready or not. */
  readonly host: string;
}

/** Who makes the instances of a workload: this package, or what the program's own maker has for that. */
export type Maker = "package" | "chart" | "operator";

/** Who runs where, under which name: the target's answer to "I need three brokers and a balancer". */
export interface Placement {
  /** Name of the cluster: label of metrics, prefix of resources. */
  readonly cluster: string;
  readonly discovery: Discovery;
  /** DNS server that follows instances as they restart under new addresses; absent where addresses never change. */
  readonly resolver?: string;
  /** How programs come: in their official images, or as packages of a distribution. */
  readonly software: "image" | "package";
  /** Whether instances are told to come and go one by one, with the commands of `Membership`. */
  readonly managesMembers: boolean;
  /** Whether others find an instance by its host only while it is healthy, and so never one that has yet to become it. */
  readonly namesFollowHealth: boolean;
  /** Whether every changed file is a new start of who has it, even one that no running program reads. */
  readonly filesAreFixed: boolean;
  /** Who makes the brokers. */
  readonly brokersMadeBy: Maker;
  /** How many of the brokers' instances, the last ones, keep no data of their own. */
  readonly replicants: number;
  /** Undefined where there are no pods. */
  podsOf(workload: WorkloadName): Pods | undefined;
  /** There only where clients come to an address that moves between balancers. */
  readonly virtualAddress?: VirtualAddress;
  /** Where a workload's files of one kind lie; `inImage` is the place that its official image has for them. */
  folder(workload: WorkloadName, use: FolderUse, inImage: string): string;
  instances(workload: WorkloadName): readonly Instance[];
  /**
   * Where operators reach a port of a workload that has one instance: `http://localhost:9090`. The instance's host is for
   * the other instances, and need mean nothing outside of the cluster.
   */
  operatorUrl(workload: WorkloadName, port: number): string;
}

/** How many instances of a workload a definition needs. */
export interface Demand {
  readonly workload: WorkloadName;
  readonly count: number;
}

/** Workloads that may have several instances number them from the start, so that growing renames nothing. */
export const NUMBERED: readonly WorkloadName[] = ["broker", "balancer", "virtual-address"];

export function nameInstances(demand: Demand, hostOf: (instanceName: string) => string): Instance[] {
  return Array.from({ length: demand.count }, (_, index) => {
    const name = NUMBERED.includes(demand.workload) ? `${demand.workload}-${index + 1}` : demand.workload;
    return { ordinal: index + 1, name, host: hostOf(name) };
  });
}

/** The host of a workload that has exactly one instance. */
export function onlyHost(placement: Placement, workload: WorkloadName): string {
  return placement.instances(workload)[0].host;
}
