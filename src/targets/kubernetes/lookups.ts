import { DataKubernetesNamespaceV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-namespace-v1";
import { DataKubernetesResources } from "@cdktf/provider-kubernetes/lib/data-kubernetes-resources";
import { DataKubernetesStorageClassV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-storage-class-v1";
import type { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { Making } from "./making";
import { namespaceOf } from "./namespaces";
import { RESTRICTED } from "./security";

/** Custom resource definitions that must be there: kind of object, name of the definition, and what brings it. */
export interface NeededDefinition {
  readonly kind: string;
  readonly definition: string;
  readonly remedy: string;
}

/** Has every plan find out what is missing in the cluster, and say so, before anything is changed or waited for. */
export function lookUp({ scope, provider, options }: Making, definitions: readonly NeededDefinition[]): void {
  if (!options.lookUp) {
    return;
  }
  if (!options.createNamespace && !namespaceOf(scope, options.namespace)) {
    lookUpNamespace(scope, provider, options);
  }
  const { storageClass } = options.storage;
  if (storageClass) {
    new DataKubernetesStorageClassV1(scope, "storage-class", {
      provider,
      metadata: { name: storageClass },
      lifecycle: {
        postcondition: [
          {
            condition: "${self.storage_provisioner != null}",
            errorMessage: `There is no storage class ${storageClass} in the Kubernetes cluster: target.storage.storageClass must name one of those that \`kubectl get storageclass\` lists.`,
          },
        ],
      },
    });
  }
  const { priorityClass } = options.scheduling;
  if (priorityClass) {
    lookUpObject(scope, provider, "priority-class", {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      name: priorityClass,
      message: `There is no priority class ${priorityClass} in the Kubernetes cluster: target.scheduling.priorityClass must name one of those that \`kubectl get priorityclass\` lists.`,
    });
  }
  for (const { kind, definition, remedy } of definitions) {
    lookUpObject(scope, provider, `${kind.toLowerCase()}-definition`, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      name: definition,
      message: `The Kubernetes cluster knows no ${kind}: the custom resource definition ${definition} is missing. ${remedy}`,
    });
  }
}

function lookUpNamespace(scope: Construct, provider: KubernetesProvider, options: KubernetesOptions): void {
  const { namespace, hardening } = options;
  const off = RESTRICTED.filter((measure) => !hardening[measure]);
  new DataKubernetesNamespaceV1(scope, "namespace", {
    provider,
    metadata: { name: namespace },
    lifecycle: {
      postcondition: [
        {
          condition: '${try(self.metadata[0].uid, null) != null && try(self.metadata[0].uid, "") != ""}',
          errorMessage: `There is no namespace ${namespace} in the Kubernetes cluster: make it (\`kubectl create namespace ${namespace}\`), or set target.createNamespace.`,
        },
        ...(off.length > 0
          ? [
              {
                condition: '${try(self.metadata[0].labels["pod-security.kubernetes.io/enforce"], "") != "restricted"}',
                errorMessage: `The namespace ${namespace} enforces the Pod Security standard "restricted", which admits no pod with target.hardening.${off.join(" or target.hardening.")} off: leave it on.`,
              },
            ]
          : []),
      ],
    },
  });
}

interface LookedUp {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly message: string;
}

function lookUpObject(
  scope: Construct,
  provider: KubernetesProvider,
  id: string,
  { apiVersion, kind, name, message }: LookedUp,
): void {
  // Not the one that reads a single object: where there is none it reports an error of its own provider (2.38).
  new DataKubernetesResources(scope, id, {
    provider,
    apiVersion,
    kind,
    fieldSelector: `metadata.name=${name}`,
    lifecycle: { postcondition: [{ condition: "${length(self.objects) > 0}", errorMessage: message }] },
  });
}
