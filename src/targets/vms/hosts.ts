import type { VmHost, VmsOptions } from "../../definition/vms";
import type { WorkloadName } from "../../workload";

/** A host in one of its roles. */
export interface Role {
  /** As an option of the target: `brokers.broker-1`, `monitoring`. */
  readonly path: string;
  /** What its number is counted in: `broker-2` has 2. */
  readonly ordinal: number;
  readonly host: VmHost;
}

/** Whose hosts run which workloads. */
const HOSTS_OF: Record<WorkloadName, "brokers" | "balancers" | "sessionStore" | "monitoring"> = {
  broker: "brokers",
  balancer: "balancers",
  "virtual-address": "balancers",
  "session-store": "sessionStore",
  "session-writer": "sessionStore",
  "session-store-exporter": "sessionStore",
  "balancer-exporter": "monitoring",
  prometheus: "monitoring",
  alertmanager: "monitoring",
};

/** In the order of their numbers. */
export function rolesFor(workload: WorkloadName, options: Partial<VmsOptions>): Role[] {
  const option = HOSTS_OF[workload];
  if (option === "sessionStore" || option === "monitoring") {
    const host = options[option];
    return host?.address ? [{ path: option, ordinal: 1, host }] : [];
  }
  return (
    Object.entries(options[option] ?? {})
      // What is wrong with the others is said elsewhere.
      .filter(([, host]) => host?.address)
      .map(([name, host]) => ({ path: `${option}.${name}`, ordinal: Number(/\d+$/.exec(name)), host }))
      .sort((a, b) => a.ordinal - b.ordinal)
  );
}

export function allRoles(options: Partial<VmsOptions>): Role[] {
  return (["broker", "balancer", "session-store", "prometheus"] as const).flatMap((workload) =>
    rolesFor(workload, options),
  );
}

/** Where the other hosts reach it. Host names are the same in any spelling. */
export function clusterAddress({ privateAddress, address }: VmHost): string {
  return (privateAddress ?? address).toLowerCase();
}
