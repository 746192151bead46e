import type { Construct } from "constructs";
import { type SoundDefinition, USUAL_DEFAULTS } from "../../definition/cluster";
import { check, type Problem, problem } from "../../definition/problems";
import { type VmPackageProps, type VmsOptions, type VmsTargetProps, vmsSchema } from "../../definition/vms";
import type { Demand, Placement } from "../../placement/placement";
import type { Instance, Workload } from "../../workload";
import { instancesOn, withoutWrongHosts } from "../host-roles";
import { limitsFor } from "../parity";
import type { Deployment, Endpoint, Neighbour, Platform } from "../platform";
import { vmsProblems } from "./checks";
import { loginOf } from "./connection";
import { type ReachableInstance, VmsDeployment } from "./deployment";
import { clusterAddress, type Role, rolesFor } from "./hosts";
import { VMS } from "./parity";

const ROOTS = { configuration: "/etc", data: "/var/lib", runtime: "/run" } as const;

/** Servers that have SSH and systemd. */
export class VmsPlatform implements Platform {
  public readonly title = "servers over SSH";
  public readonly defaults = USUAL_DEFAULTS;
  public readonly brokersMadeBy = "package";
  private readonly options: VmsOptions;
  private readonly problems: readonly Problem[];
  private readonly sound: Partial<VmsOptions>;

  public constructor(props: VmsTargetProps) {
    const { output, sound = {}, problems } = check(vmsSchema, props, "target");
    this.problems = problems;
    this.sound = sound as Partial<VmsOptions>;
    // With problems the options are never used: the definition is refused first.
    this.options = output ?? (props as VmsOptions);
  }

  public checkDefinition(definition: SoundDefinition): Problem[] {
    return withoutWrongHosts(this.problems, vmsProblems(this.sound, definition));
  }

  public softwareOf({ package: software, program }: Workload): string {
    const download = this.download(program);
    return download ? download.url : `${software?.name} ${software?.version ?? `(${software?.atLeast} or later)`}`;
  }

  public place(cluster: string, demands: readonly Demand[]): Placement {
    const { virtualAddress } = this.options;
    const demanded = new Set(demands.map(({ workload }) => workload));
    if (virtualAddress && demanded.has("balancer")) {
      demanded.add("virtual-address");
    }
    return {
      cluster,
      discovery: { kind: "static" },
      software: "package",
      managesMembers: true,
      namesFollowHealth: false,
      filesAreFixed: false,
      brokersMadeBy: this.brokersMadeBy,
      replicants: 0,
      podsOf: () => undefined,
      virtualAddress,
      folder: (workload, use) => `${ROOTS[use]}/mqtt-cluster/${cluster}/${workload}`,
      instances: (workload) =>
        demanded.has(workload)
          ? instancesOn(rolesFor(workload, this.options), workload, ({ host }) => clusterAddress(host))
          : [],
      operatorUrl: (workload, port) => `http://${rolesFor(workload, this.options)[0].host.address}:${port}`,
    };
  }

  public checkWorkloads(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[] {
    return [...unpackaged(workloads), ...this.portsTakenTwice(workloads, neighbours)];
  }

  public deploy(scope: Construct, placement: Placement, workloads: readonly Workload[]): Deployment {
    const hosted = workloads.flatMap((workload) =>
      workload.instances.map((instance) => this.hosted(placement, workload, instance)),
    );
    const deployment = new VmsDeployment(scope, hosted);
    return {
      resources: this.options.provisionedBy === "ssh" ? deployment.run() : deployment.secretRules(),
      endpoints: this.endpoints(workloads),
      secretVariables: deployment.secretVariables,
      userData: Object.fromEntries(
        hosted.map(({ instance }) => [instance.name, () => deployment.userData(instance.host)]),
      ),
      notes: limitsFor(VMS, workloads),
    };
  }

  private hosted(placement: Placement, workload: Workload, instance: Instance): ReachableInstance {
    const { cluster } = placement;
    const { host } = this.role(workload, instance);
    const folder = (use: keyof typeof ROOTS) => placement.folder(workload.name, use, "");
    const previous = workload.instances[workload.instances.indexOf(instance) - 1];
    return {
      cluster,
      workload,
      instance,
      address: host.address,
      login: loginOf(host, this.options),
      folders: { configuration: folder("configuration"), data: folder("data"), runtime: folder("runtime") },
      download: this.download(workload.program),
      bootsAfter:
        previous && workload.startOrder === "one-by-one" ? `${previous.host}:${workload.ports[0].number}` : undefined,
    };
  }

  private role(workload: Workload, instance: Instance): Role {
    return rolesFor(workload.name, this.options).find(({ ordinal }) => ordinal === instance.ordinal) as Role;
  }

  private download(program: string): VmPackageProps | undefined {
    return this.options.packages[program as keyof VmsOptions["packages"]];
  }

  private endpoints(workloads: readonly Workload[]): Endpoint[] {
    const virtual = this.options.virtualAddress?.address.split("/")[0];
    return workloads.flatMap((workload) =>
      workload.instances.flatMap((instance) =>
        workload.ports.flatMap(({ name, number, audience, scheme, urlPath = "" }): Endpoint[] => {
          if (!scheme || audience === "cluster") {
            return [];
          }
          const { address } = this.role(workload, instance).host;
          const reachedAt = workload.name === "balancer" && virtual ? virtual : address;
          const url = `${scheme}://${reachedAt}:${number}${urlPath}`;
          return [{ name, url, audience, boundTo: `${instance.host}:${number}` }];
        }),
      ),
    );
  }

  private portsTakenTwice(workloads: readonly Workload[], neighbours: readonly Neighbour[]): Problem[] {
    const taken = new Map(neighbours.map(({ boundTo, deployment, name }) => [boundTo, `${deployment} (${name})`]));
    return workloads.flatMap((workload) =>
      workload.instances.flatMap((instance) =>
        workload.ports.flatMap(({ name, number }) => {
          const { path } = this.role(workload, instance);
          const place = `${instance.host}:${number}`;
          const user = taken.get(place);
          taken.set(place, `${instance.name} (${name})`);
          return user
            ? [
                problem(
                  `target.${path}`,
                  place,
                  `is wanted by ${user} and by ${instance.name} (${name}): give one of them another host, or change a listener's port`,
                ),
              ]
            : [];
        }),
      ),
    );
  }
}

function unpackaged(workloads: readonly Workload[]): Problem[] {
  return workloads.flatMap((workload) =>
    workload.package
      ? []
      : [problem("target", workload.program, "is in no package that servers could install; use another target for it")],
  );
}
