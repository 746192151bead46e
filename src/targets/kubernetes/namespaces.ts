import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";

/** The namespace of that name if the stack makes it: for another construct of this package, or by itself. */
export function namespaceOf(scope: Construct, name: string): NamespaceV1 | undefined {
  return TerraformStack.of(scope)
    .node.findAll()
    .find((made): made is NamespaceV1 => made instanceof NamespaceV1 && made.metadataInput?.name === name);
}
