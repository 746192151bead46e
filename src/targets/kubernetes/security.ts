import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { JsonObject, Workload } from "../../workload";
import { runAs } from "../run-as";

export function podSecurity(workload: Workload, options: KubernetesOptions): JsonObject {
  const { hardening } = options;
  const [user, group] = runAs(workload, options);
  return {
    ...(hardening.nonRoot && { runAsNonRoot: true, runAsUser: user, runAsGroup: group }),
    // Those below 1024 are for the superuser otherwise.
    ...(hardening.nonRoot &&
      workload.ports.some(({ number }) => number < 1024) && {
        sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
      }),
    fsGroup: group,
    // Otherwise every file on a volume becomes readable for the group whenever a pod starts: some programs refuse that.
    fsGroupChangePolicy: "OnRootMismatch",
    ...(hardening.seccomp && { seccompProfile: { type: "RuntimeDefault" } }),
  };
}

/**
 * Of every container. The user again, because charts have one of their own there; and `runAsNonRoot`, because Terraform's
 * provider writes `false` where it is left out beside anything else.
 */
export function containerSecurity(workload: Workload, options: KubernetesOptions): JsonObject {
  const { hardening } = options;
  return {
    ...(hardening.nonRoot && { runAsNonRoot: true, runAsUser: runAs(workload, options)[0] }),
    ...(hardening.readOnlyRootFilesystem && { readOnlyRootFilesystem: true }),
    ...(hardening.dropCapabilities && { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } }),
  };
}

/** The measures without which the Pod Security standard "restricted" admits no pod. */
export const RESTRICTED = ["nonRoot", "dropCapabilities", "seccomp"] as const;
