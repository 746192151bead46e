import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { Maker } from "../../placement/placement";
import type { WorkloadName } from "../../workload";

/** Of a host's name in DNS. */
export const LONGEST_HOST = 253;

/** Those of stateful sets. The pods of a deployment get new names, and clients have its service to go to. */
export function isKnownByName(workload: WorkloadName): boolean {
  return workload !== "balancer";
}

/** Names and labels of everything that is made of one cluster in one namespace. */
export class Names {
  public constructor(
    private readonly cluster: string,
    private readonly options: Pick<KubernetesOptions, "namespace" | "clusterDomain">,
    private readonly brokersMadeBy: Maker,
  ) {}

  /** `prod-mqtt-broker` */
  public of(workload: WorkloadName | "clients" | "secrets" | "secrets-check" | "programs" | "objects"): string {
    return `${this.cluster}-${workload}`;
  }

  /** The service under which pods of a workload are known one by one, or all together where they have no lasting names. */
  public headlessService(workload: WorkloadName): string {
    if (workload === "broker" && this.brokersMadeBy === "operator") {
      // The operator's own, `-headless`, leaves nodes without data out.
      return `${this.of(workload)}-pods`;
    }
    return this.isMadeByOthers(workload) || !isKnownByName(workload)
      ? `${this.of(workload)}-headless`
      : this.of(workload);
  }

  public hostOfService(service: string): string {
    return `${service}.${this.options.namespace}.svc.${this.options.clusterDomain}`;
  }

  /** The name that only its pod has, and that stays with it wherever it runs. */
  public hostOfPod(workload: WorkloadName, index: number | string): string {
    return `${this.of(workload)}-${index}.${this.hostOfService(this.headlessService(workload))}`;
  }

  public labels(workload: WorkloadName, program: string): Record<string, string> {
    return {
      ...this.selector(workload),
      "app.kubernetes.io/name": program,
      "app.kubernetes.io/part-of": this.cluster,
      "app.kubernetes.io/managed-by": "terraform",
    };
  }

  public sharedLabels(): Record<string, string> {
    return {
      "app.kubernetes.io/instance": this.cluster,
      "app.kubernetes.io/part-of": this.cluster,
      "app.kubernetes.io/managed-by": "terraform",
    };
  }

  /** What never changes of the labels of a workload's pods, whichever program it is. */
  public selector(workload: WorkloadName): Record<string, string> {
    return this.isMadeByOthers(workload) && this.brokersMadeBy === "chart"
      ? // The label that every chart gives its pods; it has no value for more.
        { "app.kubernetes.io/instance": this.of(workload) }
      : { "app.kubernetes.io/instance": this.cluster, "app.kubernetes.io/component": workload };
  }

  private isMadeByOthers(workload: WorkloadName): boolean {
    return workload === "broker" && this.brokersMadeBy !== "package";
  }
}
