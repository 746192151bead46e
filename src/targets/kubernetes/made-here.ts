import type { Workload } from "../../workload";

/** Whether this package makes the pods, and not a chart or an operator. */
export function isMadeHere({ chart, customResource }: Workload): boolean {
  return chart === undefined && customResource === undefined;
}
