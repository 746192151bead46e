import type { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import { type SecretReference, secretsIn } from "../../formats/references";
import { escapeTemplate } from "../../formats/terraform";
import type { JsonObject, Workload } from "../../workload";
import type { Names } from "./names";
import { providerForm } from "./provider-form";

/** What every object of a deployment is made with. */
export interface Making {
  readonly scope: Construct;
  readonly provider: KubernetesProvider;
  readonly options: KubernetesOptions;
  readonly names: Names;
}

export function metadata({ options }: Making, name: string, labels: Record<string, string>) {
  return { name, namespace: options.namespace, labels };
}

/** Kubernetes' JSON of a pod as blocks of the provider, with what Terraform would take for a template made literal. */
export function blocks(pod: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(providerForm(pod)), (_key, value) =>
    typeof value === "string" ? escapeTemplate(value) : value,
  );
}

export function escaped(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, escapeTemplate(text)]));
}

export function secretsOf({ files }: Workload): SecretReference[] {
  return distinct(files.flatMap(({ content }) => secretsIn(content)));
}

export function distinct(references: readonly SecretReference[]): SecretReference[] {
  return [...new Map(references.map((reference) => [`${reference.source}/${reference.name}`, reference])).values()];
}
