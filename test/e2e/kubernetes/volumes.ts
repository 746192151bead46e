import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BED, kubectl, make, read } from "./kubectl";

interface StorageClass {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

interface Volume {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly claimRef?: { readonly namespace: string } };
}

/**
 * Volumes for claims to come, on one node after another. Storage that is bound to a node is chosen with the pod in mind that
 * claims it only where a storage class does so; without one the members of a set could meet on a node that may have one only.
 *
 * @param sets The claims of each set of pods.
 */
export async function layOutVolumes(
  namespace: string,
  sets: readonly (readonly string[])[],
  nodes: readonly string[],
): Promise<void> {
  if (!BED.volumes) {
    return;
  }
  const folder = BED.volumes;
  await removeVolumes(namespace);
  const classes = await read<{ items: StorageClass[] }>("storageclass");
  const storageClassName = classes.items.find(
    ({ metadata }) => metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true",
  )?.metadata.name;
  const onNodes = sets.flatMap((claims) =>
    claims.map((claim, index) => ({ claim, node: nodes[index % nodes.length] })),
  );
  make(
    ...onNodes.map(({ claim, node }) => {
      const name = `${namespace}-${claim}`;
      const path = join(folder, name);
      mkdirSync(path, { recursive: true });
      // Whoever the claim's pod runs as.
      chmodSync(path, 0o777);
      const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }];
      return {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: `pv-${name}` },
        spec: {
          capacity: { storage: "100Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName,
          persistentVolumeReclaimPolicy: "Retain",
          claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name: claim },
          local: { path },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
        },
      };
    }),
  );
}

export async function removeVolumes(namespace: string): Promise<void> {
  if (!BED.volumes) {
    return;
  }
  const { items } = await read<{ items: Volume[] }>("persistentvolume");
  for (const { metadata } of items.filter(({ spec }) => spec.claimRef?.namespace === namespace)) {
    await kubectl("delete", "persistentvolume", metadata.name, "--ignore-not-found");
    rmSync(join(BED.volumes, metadata.name.replace(/^pv-/, "")), { recursive: true, force: true });
  }
}
