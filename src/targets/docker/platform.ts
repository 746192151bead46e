import type { Construct } from "constructs";
import { type SoundDefinition, USUAL_DEFAULTS } from "../../definition/cluster";
import { type DockerOptions, type DockerTargetProps, dockerSchema } from "../../definition/docker";
import { imageOf } from "../../definition/images";
import { check, type Problem, problem, type Sound } from "../../definition/problems";
import { type Demand, nameInstances, type Placement } from "../../placement/placement";
import type { Workload } from "../../workload";
import { DOCKER_DNS } from "../docker-engine";
import { type OwnNetwork, ownNetwork } from "../own-network";
import { limitsFor } from "../parity";
import type { Deployment, Endpoint, Neighbour, Platform } from "../platform";
import { dockerProblems } from "./checks";
import { DockerDeployment } from "./deployment";
import { DOCKER } from "./parity";
import { clashes, publishedPorts, reachableAs } from "./published-ports";

/** Containers on one Docker engine. */
export class DockerPlatform implements Platform {
  public readonly defaults = USUAL_DEFAULTS;
  public readonly brokersMadeBy = "package";
  private readonly options: DockerOptions;
  private readonly problems: readonly Problem[];
  private readonly sound: Partial<Sound<DockerOptions>>;

  public constructor(props: DockerTargetProps) {
    const { output, sound = {}, problems } = check(dockerSchema, props, "target");
    this.problems = problems;
    this.sound = sound;
    // With problems the options are never used: the definition is refused first.
    this.options = output ?? (props as DockerOptions);
  }

  public get title(): string {
    return `Docker on ${this.options.host}`;
  }

  public checkDefinition(definition: SoundDefinition): Problem[] {
    return [...this.problems, ...dockerProblems(this.sound, definition)];
  }

  public softwareOf(workload: Workload): string {
    return imageOf(this.options, workload);
  }

  public networkOf(cluster: string): OwnNetwork {
    return ownNetwork(this.options, cluster);
  }

  public place(cluster: string, demands: readonly Demand[]): Placement {
    return {
      cluster,
      software: "image",
      managesMembers: false,
      namesFollowHealth: false,
      filesAreFixed: false,
      brokersMadeBy: this.brokersMadeBy,
      replicants: 0,
      podsOf: () => undefined,
      folder: (_workload, _use, inImage) => inImage,
      // Names that the network's DNS resolves. `.internal` is reserved for private use, so a look-up that goes astray ends.
      instances: (workload) =>
        nameInstances(
          demands.find((demand) => demand.workload === workload) ?? { workload, count: 0 },
          (instance) => `${instance}.${cluster}.internal`,
        ),
      operatorUrl: (_workload, port) => `http://${reachableAs(this.options, this.options.operatorAddress)}:${port}`,
      discovery: { kind: "static" },
      resolver: DOCKER_DNS,
    };
  }

  public checkWorkloads(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[] {
    const taken = neighbours.map(({ deployment, name, boundTo }) => {
      const [address, port] = boundTo.split(":");
      return { instance: deployment, name, address, hostPort: Number(port) };
    });
    return clashes([...taken, ...publishedPorts(this.options, workloads)]).map(([first, second]) =>
      problem(
        "target",
        `${second.address}:${second.hostPort}`,
        `is wanted by ${first.instance} (${first.name}) and by ${second.instance} (${second.name}): change a listener's port, ` +
          "or give clientAddress and operatorAddress different addresses of the host",
      ),
    );
  }

  public deploy(scope: Construct, placement: Placement, workloads: readonly Workload[]): Deployment {
    const ports = publishedPorts(this.options, workloads);
    const deployment = new DockerDeployment(scope, placement, this.options);
    return {
      resources: deployment.run(workloads, ports),
      endpoints: ports.flatMap(({ name, url, audience, address, hostPort }): Endpoint[] =>
        url ? [{ name, url, audience, boundTo: `${address}:${hostPort}` }] : [],
      ),
      secretVariables: deployment.secretVariables,
      notes: limitsFor(DOCKER, workloads),
    };
  }
}
