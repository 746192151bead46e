import type { Construct } from "constructs";
import type { SoundDefinition } from "../../definition/cluster";
import { imageOf } from "../../definition/images";
import type { KubernetesTargetProps } from "../../definition/kubernetes";
import { type KubernetesOptions, kubernetesSchema } from "../../definition/kubernetes-schema";
import { check, type Problem, problem, type Sound } from "../../definition/problems";
import type { Demand, Maker, Placement } from "../../placement/placement";
import type { CustomObject, Instance, Workload, WorkloadName } from "../../workload";
import { limitsFor } from "../parity";
import type { Deployment, Platform } from "../platform";
import { kubernetesProblems } from "./checks";
import { KubernetesDeployment } from "./deployment";
import { isKnownByName, Names } from "./names";
import { KUBERNETES } from "./parity";
import { endpointsOf } from "./services";

const MAKERS: Record<KubernetesOptions["brokersBy"], Maker> = {
  statefulSet: "package",
  helm: "chart",
  operator: "operator",
};

/** A Kubernetes cluster that is there already. */
export class KubernetesPlatform implements Platform {
  // A node that is emptied or lost takes one balancer along. Brokers without a limit of memory would be the first to be
  // killed when a node has none left; and RabbitMQ must know the limit that it has.
  public readonly defaults = { balancers: 2, brokerMemory: 2 * 1024 ** 3 };
  private readonly options: KubernetesOptions;
  private readonly problems: readonly Problem[];
  private readonly sound: Partial<Sound<KubernetesOptions>>;

  public constructor(props: KubernetesTargetProps) {
    const { output, sound = {}, problems } = check(kubernetesSchema, props, "target");
    this.problems = problems;
    this.sound = sound;
    // With problems the options are never used: the definition is refused first.
    this.options = output ?? ((props ?? {}) as unknown as KubernetesOptions);
  }

  public get brokersMadeBy(): Maker {
    return MAKERS[this.options.brokersBy] ?? "package";
  }

  public get title(): string {
    return `Kubernetes, namespace ${this.options.namespace}`;
  }

  public checkDefinition(definition: SoundDefinition): Problem[] {
    return [...this.problems, ...kubernetesProblems(this.sound, definition)];
  }

  public softwareOf(workload: Workload): string {
    return imageOf(this.options, workload);
  }

  public place(cluster: string, demands: readonly Demand[]): Placement {
    const names = this.names(cluster);
    const maker = this.brokersMadeBy;
    const replicants = this.options.replicants ?? 0;
    const count = (workload: WorkloadName) => {
      const demanded = demands.find((demand) => demand.workload === workload)?.count ?? 0;
      return workload === "broker" && demanded > 0 ? demanded + replicants : demanded;
    };
    return {
      cluster,
      software: "image",
      managesMembers: maker === "package",
      namesFollowHealth: false,
      filesAreFixed: false,
      brokersMadeBy: maker,
      replicants,
      folder: (_workload, _use, inImage) => inImage,
      instances: (workload) => this.instances(names, workload, count(workload)),
      podsOf: (workload) => ({
        namespace: this.options.namespace,
        labels: names.selector(workload),
        haveLastingNames: hasLastingNames(workload, maker),
        host: names.hostOfService(names.headlessService(workload)),
      }),
      operatorUrl: (workload, port) => `http://${names.hostOfService(names.of(workload))}:${port}`,
      discovery: { kind: "dns-srv", name: names.hostOfService(names.headlessService("broker")) },
      resolver: this.options.dnsServer ?? `kube-dns.kube-system.svc.${this.options.clusterDomain}`,
    };
  }

  public checkWorkloads(workloads: readonly Workload[]): Problem[] {
    const { clusterDomain, hardening } = this.options;
    return workloads.flatMap(({ chart, program, instances, process }) => [
      ...(chart?.onlyInDomain && chart.onlyInDomain !== clusterDomain
        ? [
            problem(
              "target.clusterDomain",
              clusterDomain,
              `must be ${chart.onlyInDomain} with the chart ${chart.name} ${chart.version}, in which it is written: use brokersBy "statefulSet"`,
            ),
          ]
        : []),
      ...(hardening.nonRoot && process.userId === 0 && instances.length > 0
        ? [problem("target.hardening.nonRoot", true, `cannot be kept: ${program} must run as the superuser`)]
        : []),
    ]);
  }

  public deploy(
    scope: Construct,
    placement: Placement,
    workloads: readonly Workload[],
    objects: readonly CustomObject[],
  ): Deployment {
    const names = this.names(placement.cluster);
    const deployment = new KubernetesDeployment(scope, placement, this.options, names);
    return {
      resources: deployment.run(workloads, objects),
      endpoints: endpointsOf(workloads, names, this.options),
      secretVariables: deployment.secretVariables,
      notes: [...this.ownNotes(workloads), ...limitsFor(KUBERNETES, workloads)],
    };
  }

  private ownNotes(workloads: readonly Workload[]): string[] {
    const hasClients = workloads.some(({ ports }) => ports.some(({ audience }) => audience === "clients"));
    const tight = workloads.filter(
      ({ process }) => process.memoryMiB !== undefined && process.memoryMiB < process.expectedMemoryMiB,
    );
    return [
      ...(hasClients && this.options.clients.type === "ClusterIP"
        ? [
            'Clients reach the cluster from inside of Kubernetes only: target.clients.type "LoadBalancer" lets in those from outside.',
          ]
        : []),
      ...tight.map(
        ({ program, process }) =>
          `For clients.maxConnections each ${program} is expected to need ${process.expectedMemoryMiB} MB of memory, and has ${process.memoryMiB}.`,
      ),
    ];
  }

  private names(cluster: string): Names {
    return new Names(cluster, this.options, this.brokersMadeBy);
  }

  /** Named as their pods are, which count from zero: an alert names what `kubectl` knows. */
  private instances(names: Names, workload: WorkloadName, count: number): Instance[] {
    return Array.from({ length: count }, (_, index) => {
      const ordinal = index + 1;
      if (workload === "broker") {
        const host = hasLastingNames(workload, this.brokersMadeBy)
          ? names.hostOfPod(workload, index)
          : names.hostOfService(names.headlessService(workload));
        return { ordinal, name: `broker-${index}`, host };
      }
      const name = count > 1 ? `${workload}-${ordinal}` : workload;
      return { ordinal, name, host: names.hostOfService(names.of(workload)) };
    });
  }
}

/** Pods of stateful sets have; those of deployments and of EMQX's operator get new ones. */
function hasLastingNames(workload: WorkloadName, brokersMadeBy: Maker): boolean {
  return isKnownByName(workload) && !(workload === "broker" && brokersMadeBy === "operator");
}
