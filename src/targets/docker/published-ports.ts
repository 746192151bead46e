import type { DockerOptions } from "../../definition/docker";
import type { Audience, Workload } from "../../workload";

/** A port of an instance as the engine's host shows it. */
export interface PublishedPort {
  readonly instance: string;
  readonly name: string;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly address: string;
  readonly audience: Exclude<Audience, "cluster">;
  /** Absent for a port that people do not connect to by URL. */
  readonly url?: string;
}

/** What clients and operators may reach; the rest is seen in the cluster's network only. */
export function publishedPorts(options: DockerOptions, workloads: readonly Workload[]): PublishedPort[] {
  const addresses = { clients: options.clientAddress, operators: options.operatorAddress };
  return workloads.flatMap(({ instances, ports }) =>
    instances.flatMap((instance) =>
      ports.flatMap(({ name, number, audience, scheme, urlPath = "" }): PublishedPort[] => {
        if (audience === "cluster") {
          return [];
        }
        // Without a balancer every broker wants the same port of the one host: they count upwards.
        const hostPort = number + instance.ordinal - 1;
        const address = addresses[audience];
        const url = scheme && `${scheme}://${reachableAs(options, address)}:${hostPort}${urlPath}`;
        return [{ instance: instance.name, name, containerPort: number, hostPort, address, audience, url }];
      }),
    ),
  );
}

type HostPort = Pick<PublishedPort, "instance" | "name" | "address" | "hostPort">;

/** Pairs of ports that cannot both be published. */
export function clashes(ports: readonly HostPort[]): [HostPort, HostPort][] {
  return ports.flatMap((port, index) => {
    const earlier = ports
      .slice(0, index)
      .find(({ hostPort, address }) => hostPort === port.hostPort && overlap(address, port.address));
    return earlier ? [[earlier, port] as [HostPort, HostPort]] : [];
  });
}

function overlap(a: string, b: string): boolean {
  return a === b || a === "0.0.0.0" || b === "0.0.0.0";
}

/** A name in URLs for an address of the engine's host. */
export function reachableAs({ host }: DockerOptions, address: string): string {
  const remote = /^ssh:\/\/(?:[^@/]*@)?([^:/]+)/.exec(host)?.[1];
  return address === "0.0.0.0" ? (remote ?? "localhost") : address;
}
