import type { Json, JsonObject } from "../workload";

/**
 * What a Kubernetes target makes of a workload, in Kubernetes' own JSON. Whoever writes the pods itself, a chart or an
 * operator, is handed these in the places where its values want them: `<<pod:volumes>>`.
 */
export interface PodParts {
  /** Of the workload: also the name of a release or custom resource. */
  readonly name: string;
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly replicas: number;
  /** Of the same program, without data; see `Placement.replicants`. */
  readonly replicants: number;
  readonly image: string;
  /** The two halves of the image; the second holds a digest, too. */
  readonly imageRepository: string;
  readonly imageTag: string;
  readonly imagePullSecrets: readonly JsonObject[];
  /** The same, where names are wanted and not objects. */
  readonly imagePullSecretNames: readonly string[];
  readonly labels: JsonObject;
  /** Fingerprints of the files that a pod must be started again for. */
  readonly annotations: JsonObject;
  readonly podSecurityContext: JsonObject;
  readonly containerSecurityContext: JsonObject;
  /** Lays out the files, with their secrets, before the program starts. */
  readonly initContainers: readonly JsonObject[];
  readonly volumes: readonly JsonObject[];
  readonly volumeMounts: readonly JsonObject[];
  readonly env: readonly JsonObject[];
  readonly ports: readonly JsonObject[];
  readonly resources: JsonObject;
  readonly startupProbe: JsonObject;
  readonly readinessProbe: JsonObject;
  readonly livenessProbe: JsonObject;
  readonly lifecycle: JsonObject;
  readonly terminationGracePeriodSeconds: number;
  /** How long a pod must be ready before the next one is replaced. */
  readonly minReadySeconds: number;
  readonly serviceAccountName: string;
  readonly nodeSelector: JsonObject;
  readonly affinity: JsonObject;
  readonly tolerations: readonly JsonObject[];
  readonly topologySpreadConstraints: readonly JsonObject[];
  readonly priorityClassName: string;
  /** Specification of the claim for the workload's data. */
  readonly claim: JsonObject;
  /** The same in words: size (`8Gi`), and class ("" for the cluster's own choice). */
  readonly claimSize: string;
  readonly storageClass: string;
}

/** Stands for a part in values and specifications. */
export function podPart(part: keyof PodParts): string {
  return `<<pod:${part}>>`;
}

/** The same JSON with every reference replaced; what a reference stands for is left out where it is empty. */
export function fillPodParts(json: JsonObject, parts: PodParts): JsonObject {
  return fill(json, parts) as JsonObject;
}

function fill(json: Json, parts: PodParts): Json {
  if (typeof json === "string") {
    const part = /^<<pod:(\w+)>>$/.exec(json)?.[1];
    return part ? (parts[part as keyof PodParts] as Json) : json;
  }
  if (Array.isArray(json)) {
    return json.map((inner) => fill(inner, parts));
  }
  if (typeof json !== "object" || json === null) {
    return json;
  }
  return Object.fromEntries(
    Object.entries(json).flatMap(([key, inner]) => {
      const filled = inner === undefined ? undefined : fill(inner, parts);
      const isReference = typeof inner === "string" && inner !== filled;
      return filled === undefined || (isReference && isEmpty(filled)) ? [] : [[key, filled]];
    }),
  );
}

function isEmpty(json: Json): boolean {
  return json === "" || (typeof json === "object" && json !== null && Object.keys(json).length === 0);
}
