import type { DockerSwarmOptions } from "../../definition/docker-swarm";
import type { Instance, Port, Workload } from "../../workload";

/** The ports that an instance shows on its host; the rest is seen in the cluster's network only. */
export function publishedPorts({ publishOperatorPorts }: DockerSwarmOptions, { ports }: Workload): Port[] {
  return ports.filter(({ audience }) => audience === "clients" || (audience === "operators" && publishOperatorPorts));
}

/** An instance and a port that it shows. */
export interface PublishedPort {
  readonly workload: Workload;
  readonly instance: Instance;
  readonly port: Port;
}

export function allPublishedPorts(options: DockerSwarmOptions, workloads: readonly Workload[]): PublishedPort[] {
  return workloads.flatMap((workload) =>
    workload.instances.flatMap((instance) =>
      publishedPorts(options, workload).map((port) => ({ workload, instance, port })),
    ),
  );
}
