import { RoleBindingV1 } from "@cdktf/provider-kubernetes/lib/role-binding-v1";
import { RoleV1, type RoleV1Rule } from "@cdktf/provider-kubernetes/lib/role-v1";
import { ServiceAccountV1 } from "@cdktf/provider-kubernetes/lib/service-account-v1";
import type { TerraformResource } from "cdktf";
import type { Workload } from "../../workload";
import { isMadeHere } from "./made-here";
import { type Making, metadata } from "./making";

/** Who pods are to the API server: nobody, but for those that must ask it something. */
export class Accounts {
  public readonly resources: TerraformResource[] = [];
  private readonly made = new Set<string>();

  public constructor(private readonly making: Making) {}

  public readsApi(workload: Workload): boolean {
    return this.rules(workload).length > 0;
  }

  /** The name of a workload's account; what has nothing to ask shares one. */
  public nameFor(workload: Workload, dependsOn: readonly TerraformResource[]): string {
    const rules = this.rules(workload);
    if (rules.length === 0) {
      return this.plain(dependsOn);
    }
    const name = this.making.names.of(workload.name);
    this.make(workload.name, name, dependsOn);
    this.allow(workload.name, name, rules, dependsOn);
    return name;
  }

  /** An account without any rights. */
  public plain(dependsOn: readonly TerraformResource[]): string {
    const name = this.making.names.of("programs");
    this.make("programs", name, dependsOn);
    return name;
  }

  private rules(workload: Workload): RoleV1Rule[] {
    const { membership, name } = workload;
    return [
      // How many there are to be: a member that stops must know whether it is to come back.
      ...(membership && isMadeHere(workload)
        ? [
            {
              apiGroups: ["apps"],
              resources: ["statefulsets/scale"],
              resourceNames: [this.making.names.of(name)],
              verbs: ["get"],
            },
          ]
        : []),
    ];
  }

  private make(id: string, name: string, dependsOn: readonly TerraformResource[]): void {
    if (!this.made.has(name)) {
      this.made.add(name);
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

  private allow(id: string, name: string, rule: RoleV1Rule[], dependsOn: readonly TerraformResource[]): void {
    const role = `${name}/role`;
    if (this.made.has(role)) {
      return;
    }
    this.made.add(role);
    this.resources.push(
      new RoleV1(this.making.scope, `${id}-role`, {
        provider: this.making.provider,
        dependsOn: [...dependsOn],
        metadata: metadata(this.making, name, this.making.names.sharedLabels()),
        rule,
      }),
      new RoleBindingV1(this.making.scope, `${id}-role-binding`, {
        provider: this.making.provider,
        dependsOn: [...dependsOn],
        metadata: metadata(this.making, name, this.making.names.sharedLabels()),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subject: [{ kind: "ServiceAccount", name, namespace: this.making.options.namespace }],
      }),
    );
  }
}
