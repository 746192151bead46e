import { type Problem, problem } from "../definition/problems";
import { ipv4Number } from "../definition/values";

/** The network that is made for one deployment. */
export interface OwnNetwork {
  readonly name: string;
  /** `172.30.0.0/24`; absent where the engine chooses, which chooses one that is free. */
  readonly subnet?: string;
}

/** It is called as the cluster unless somebody has said otherwise. */
export function ownNetwork(
  { network, subnet }: { readonly network?: string; readonly subnet?: string },
  cluster: string,
): OwnNetwork {
  return { name: network ?? cluster, subnet };
}

/** An engine makes two networks of one name or none, and a swarm makes one with addresses of another that never works. */
export function networkProblems(own: OwnNetwork, other: OwnNetwork, deployment: string): Problem[] {
  return [
    ...(own.name === other.name
      ? [problem("target.network", own.name, `is the network of ${deployment}: give another name`)]
      : []),
    ...(own.subnet && other.subnet && overlap(own.subnet, other.subnet)
      ? [problem("target.subnet", own.subnet, `overlaps with ${other.subnet} of ${deployment}: give another one`)]
      : []),
  ];
}

function overlap(one: string, other: string): boolean {
  const [[first, last], [otherFirst, otherLast]] = [addresses(one), addresses(other)];
  return first <= otherLast && otherFirst <= last;
}

function addresses(subnet: string): [first: number, last: number] {
  const [address, prefix] = subnet.split("/");
  const first = ipv4Number(address);
  return [first, first + 2 ** (32 - Number(prefix)) - 1];
}
