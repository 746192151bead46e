import type { Construct } from "constructs";
import { type SoundDefinition, USUAL_DEFAULTS } from "../../definition/cluster";
import { type DockerSwarmOptions, type DockerSwarmTargetProps, dockerSwarmSchema } from "../../definition/docker-swarm";
import { imageOf } from "../../definition/images";
import { check, type Problem, problem } from "../../definition/problems";
import type { Demand, Placement } from "../../placement/placement";
import type { Workload } from "../../workload";
import { DOCKER_DNS } from "../docker-engine";
import { instancesOn, withoutWrongHosts } from "../host-roles";
import { type OwnNetwork, ownNetwork } from "../own-network";
import { limitsFor } from "../parity";
import type { Deployment, Endpoint, Neighbour, Platform } from "../platform";
import { dockerSwarmProblems } from "./checks";
import { DockerSwarmDeployment } from "./deployment";
import { addressOf, roleOf, rolesFor, sameConstraint } from "./hosts";
import { DOCKER_SWARM } from "./parity";
import { allPublishedPorts } from "./published-ports";

/** Of managers, and of what hosts tell each other. */
const PORTS_OF_SWARM = [2377, 7946];

/** Services on the hosts of a Docker Swarm. */
export class DockerSwarmPlatform implements Platform {
  public readonly defaults = USUAL_DEFAULTS;
  public readonly brokersMadeBy = "package";
  private readonly options: DockerSwarmOptions;
  private readonly problems: readonly Problem[];
  private readonly sound: Partial<DockerSwarmOptions>;

  public constructor(props: DockerSwarmTargetProps) {
    const { output, sound = {}, problems } = check(dockerSwarmSchema, props, "target");
    this.problems = problems;
    this.sound = sound as Partial<DockerSwarmOptions>;
    // With problems the options are never used: the definition is refused first.
    this.options = output ?? (props as DockerSwarmOptions);
  }

  public get title(): string {
    return `Docker Swarm at ${this.options.host}`;
  }

  public checkDefinition(definition: SoundDefinition): Problem[] {
    return withoutWrongHosts(this.problems, dockerSwarmProblems(this.sound, definition));
  }

  public softwareOf(workload: Workload): string {
    return imageOf(this.options, workload);
  }

  public networkOf(cluster: string): OwnNetwork {
    return ownNetwork(this.options, cluster);
  }

  public place(cluster: string, demands: readonly Demand[]): Placement {
    const demanded = new Set(demands.map(({ workload }) => workload));
    const hostOf = (name: string) => `${name}.${cluster}.internal`;
    return {
      cluster,
      software: "image",
      managesMembers: true,
      namesFollowHealth: true,
      filesAreFixed: true,
      brokersMadeBy: this.brokersMadeBy,
      replicants: 0,
      podsOf: () => undefined,
      folder: (_workload, _use, inImage) => inImage,
      // Names that the network's DNS resolves. `.internal` is reserved for private use, so a look-up that goes astray ends.
      instances: (workload) =>
        demanded.has(workload)
          ? instancesOn(rolesFor(workload, this.options), workload, (_role, name) => hostOf(name))
          : [],
      operatorUrl: (workload, port) => {
        const [{ host }] = rolesFor(workload, this.options);
        return `http://${this.options.publishOperatorPorts ? addressOf(host) : hostOf(workload)}:${port}`;
      },
      discovery: { kind: "static" },
      resolver: DOCKER_DNS,
    };
  }

  public checkWorkloads(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[] {
    return [
      ...workloads.flatMap(({ name, image, looksUpOnce }) =>
        looksUpOnce
          ? [
              problem(
                name,
                image,
                `looks up the addresses of others at its start only, and a swarm gives an instance another one whenever it starts again: ${looksUpOnce}`,
              ),
            ]
          : [],
      ),
      ...this.portsOfTheSwarm(workloads),
      ...this.portsTakenTwice(workloads, neighbours),
    ];
  }

  public deploy(scope: Construct, placement: Placement, workloads: readonly Workload[]): Deployment {
    const deployment = new DockerSwarmDeployment(scope, placement, this.options, workloads);
    return {
      resources: deployment.run(),
      endpoints: allPublishedPorts(this.options, workloads).flatMap(({ workload, instance, port }): Endpoint[] => {
        const { name, number, scheme, urlPath = "", audience } = port;
        const { host } = roleOf(workload, instance, this.options);
        return scheme
          ? [
              {
                name,
                url: `${scheme}://${addressOf(host)}:${number}${urlPath}`,
                audience,
                boundTo: `${sameConstraint(host.constraint)}:${number}`,
              },
            ]
          : [];
      }),
      secretVariables: deployment.secretVariables,
      notes: [...limitsFor(DOCKER_SWARM, workloads), ...this.fewManagers()],
    };
  }

  private fewManagers(): string[] {
    return this.options.managers === 1
      ? [
          "With one manager the swarm is down when it is: programs go on, but nothing that fails is started again, and nothing can be changed.",
        ]
      : [];
  }

  private portsOfTheSwarm(workloads: readonly Workload[]): Problem[] {
    return allPublishedPorts(this.options, workloads).flatMap(({ workload, instance, port }) =>
      PORTS_OF_SWARM.includes(port.number)
        ? [
            problem(
              `target.${roleOf(workload, instance, this.options).path}`,
              port.number,
              `is wanted by ${instance.name} (${port.name}), and a port of the swarm itself on its hosts: change a listener's port`,
            ),
          ]
        : [],
    );
  }

  /** On what is the same host by its constraint; whether two of them are is looked up when the plan is applied. */
  private portsTakenTwice(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[] {
    const taken = new Map<string, { readonly user: string; readonly workload?: string }>(
      neighbours.map(({ boundTo, deployment, name }) => [boundTo, { user: `${deployment} (${name})` }]),
    );
    return allPublishedPorts(this.options, workloads).flatMap(({ workload, instance, port }) => {
      const { path, host } = roleOf(workload, instance, this.options);
      const place = `${host.constraint}:${port.number}`;
      const key = `${sameConstraint(host.constraint)}:${port.number}`;
      const other = taken.get(key);
      taken.set(key, { user: `${instance.name} (${port.name})`, workload: workload.name });
      return other && !(isAnyOf(host.constraint) && other.workload === workload.name)
        ? [
            problem(
              `target.${path}`,
              place,
              `is wanted by ${other.user} and by ${instance.name} (${port.name}): give one of them another host, or change a listener's port`,
            ),
          ]
        : [];
    });
  }
}

/** Several hosts may have a label. */
function isAnyOf(constraint: string): boolean {
  return constraint.startsWith("node.labels.");
}
