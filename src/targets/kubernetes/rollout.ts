import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { Workload } from "../../workload";

/** Images and volumes may take as long. */
const START_SECONDS = 180;
/** A member that stops, starts again and is one again: measured 20 to 30 on two cores, and the time it must be ready. */
const MEMBER_SECONDS = 60;

/** How long an apply waits for a workload's pods. Not longer: a pod that is refused is waited for, too. */
export function rolloutSeconds({ name, instances }: Workload, { rolloutTimeout, minReady }: KubernetesOptions): number {
  return rolloutTimeout ?? START_SECONDS + (name === "broker" ? (MEMBER_SECONDS + minReady) * instances.length : 0);
}
