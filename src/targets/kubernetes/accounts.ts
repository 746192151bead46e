import type { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { RoleBindingV1 } from "@cdktf/provider-kubernetes/lib/role-binding-v1";
import { RoleV1, type RoleV1Rule } from "@cdktf/provider-kubernetes/lib/role-v1";
import { ServiceAccountV1 } from "@cdktf/provider-kubernetes/lib/service-account-v1";
import type { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes";
import type { Workload } from "../../workload";
import { isMadeHere } from "./made-here";
import type { Names } from "./names";

/** Who pods are to the API server: nobody, but for those that must ask it something. */
export class Accounts {
  public readonly resources: TerraformResource[] = [];
  private readonly made = new Set<string>();

  public constructor(
    private readonly scope: Construct,
    private readonly provider: KubernetesProvider,
    private readonly options: KubernetesOptions,
    private readonly names: Names,
  ) {}

  public readsApi(workload: Workload): boolean {
    return this.rules(workload).length > 0;
  }

  /** The name of a workload's account; what has nothing to ask shares one. */
  public nameFor(workload: Workload, dependsOn: readonly TerraformResource[]): string {
    const rules = this.rules(workload);
    if (rules.length === 0) {
      return this.plain(dependsOn);
    }
    const name = this.names.of(workload.name);
    this.make(workload.name, name, dependsOn);
    this.allow(workload.name, name, rules, dependsOn);
    return name;
  }

  /** An account without any rights. */
  public plain(dependsOn: readonly TerraformResource[]): string {
    const name = this.names.of("programs");
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
              resourceNames: [this.names.of(name)],
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
        new ServiceAccountV1(this.scope, `${id}-account`, {
          provider: this.provider,
          dependsOn: [...dependsOn],
          metadata: this.metadata(name),
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
      new RoleV1(this.scope, `${id}-role`, {
        provider: this.provider,
        dependsOn: [...dependsOn],
        metadata: this.metadata(name),
        rule,
      }),
      new RoleBindingV1(this.scope, `${id}-role-binding`, {
        provider: this.provider,
        dependsOn: [...dependsOn],
        metadata: this.metadata(name),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subject: [{ kind: "ServiceAccount", name, namespace: this.options.namespace }],
      }),
    );
  }

  private metadata(name: string) {
    return { name, namespace: this.options.namespace, labels: this.names.sharedLabels() };
  }
}
