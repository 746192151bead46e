import { RoleBindingV1 } from "@cdktf/provider-kubernetes/lib/role-binding-v1";
import { RoleV1 } from "@cdktf/provider-kubernetes/lib/role-v1";
import { ServiceAccountV1 } from "@cdktf/provider-kubernetes/lib/service-account-v1";
import type { TerraformResource } from "cdktf";
import type { Workload, WorkloadName } from "../../workload";
import { isMadeHere } from "./made-here";
import { type Making, metadata } from "./making";

/** Who pods are to the API server: nobody, but for those that must ask it something. */
export class Accounts {
  public readonly resources: TerraformResource[] = [];
  private hasPlain = false;

  public constructor(private readonly making: Making) {}

  /** Whether it asks how many there are to be: a member that stops must know whether it is to come back. */
  public readsApi(workload: Workload): boolean {
    return workload.membership !== undefined && isMadeHere(workload);
  }

  /** The name of a workload's account; what has nothing to ask shares one. */
  public nameFor(workload: Workload, dependsOn: readonly TerraformResource[]): string {
    return this.readsApi(workload) ? this.reader(workload.name, dependsOn) : this.plain(dependsOn);
  }

  /** An account without any rights, one for all. */
  public plain(dependsOn: readonly TerraformResource[]): string {
    const name = this.making.names.of("programs");
    if (!this.hasPlain) {
      this.hasPlain = true;
      this.make("programs", name, dependsOn);
    }
    return name;
  }

  /** An account that may read the scale of the workload's stateful set. */
  private reader(id: WorkloadName, dependsOn: readonly TerraformResource[]): string {
    const name = this.making.names.of(id);
    this.make(id, name, dependsOn);
    const object = {
      provider: this.making.provider,
      dependsOn: [...dependsOn],
      metadata: metadata(this.making, name, this.making.names.sharedLabels()),
    };
    this.resources.push(
      new RoleV1(this.making.scope, `${id}-role`, {
        ...object,
        rule: [{ apiGroups: ["apps"], resources: ["statefulsets/scale"], resourceNames: [name], verbs: ["get"] }],
      }),
      new RoleBindingV1(this.making.scope, `${id}-role-binding`, {
        ...object,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subject: [{ kind: "ServiceAccount", name, namespace: this.making.options.namespace }],
      }),
    );
    return name;
  }

  private make(id: string, name: string, dependsOn: readonly TerraformResource[]): void {
    this.resources.push(
      new ServiceAccountV1(this.making.scope, `${id}-account`, {
        provider: this.making.provider,
        dependsOn: [...dependsOn],
        metadata: metadata(this.making, name, this.making.names.sharedLabels()),
        automountServiceAccountToken: false,
      }),
    );
  }
}
