import type { Workload } from "../workload";

/** Dependencies before what depends on them, so that resources exist when they are referred to. */
export function inStartOrder(workloads: readonly Workload[]): Workload[] {
  const ordered: Workload[] = [];
  const visit = (workload: Workload) => {
    if (!ordered.includes(workload)) {
      for (const name of workload.startsAfter) {
        workloads.filter((other) => other.name === name).forEach(visit);
      }
      ordered.push(workload);
    }
  };
  workloads.forEach(visit);
  return ordered;
}
