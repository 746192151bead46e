import {
  type FileProvisioner,
  type ITerraformDependable,
  type LocalExecProvisioner,
  type RemoteExecProvisioner,
  TerraformResource,
} from "cdktf";
import type { Construct } from "constructs";

export type Provisioner = (FileProvisioner | LocalExecProvisioner | RemoteExecProvisioner) & {
  readonly when?: "destroy";
  /** Without it a failure taints the resource. */
  readonly onFailure?: "continue";
  /** Of `local-exec`: Terraform does not print the command. */
  readonly quiet?: true;
};

export interface TerraformDataProps {
  /** Kept in the state: what a destroy step may look at. */
  readonly input?: unknown;
  /** When any of it changes, the resource is made anew. */
  readonly triggers: unknown;
  readonly provisioners: readonly Provisioner[];
  readonly dependsOn?: readonly ITerraformDependable[];
  readonly count?: number;
  /** Instances by key. Input and triggers may refer to `each.value`. */
  readonly forEach?: Record<string, unknown>;
}

/**
 * Terraform's own `terraform_data`: built in, so that nothing is downloaded. Not cdktf's DataResource, which runs
 * `terraform version` at synthesis: that must work without Terraform.
 */
export function terraformData(scope: Construct, id: string, props: TerraformDataProps): TerraformResource {
  const resource = new TerraformResource(scope, id, {
    terraformResourceType: "terraform_data",
    terraformGeneratorMetadata: { providerName: "terraform" },
    provisioners: props.provisioners as (FileProvisioner | LocalExecProvisioner | RemoteExecProvisioner)[],
    dependsOn: props.dependsOn && [...props.dependsOn],
    count: props.count,
  });
  resource.addOverride("triggers_replace", props.triggers);
  if (props.input !== undefined) {
    resource.addOverride("input", props.input);
  }
  if (props.forEach) {
    resource.addOverride("for_each", props.forEach);
  }
  return resource;
}
