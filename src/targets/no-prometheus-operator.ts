import type { SoundDefinition } from "../definition/cluster";
import { type Problem, problem } from "../definition/problems";

/** An operator is a program of a Kubernetes cluster, and reads what only that has. */
export function noPrometheusOperator({ monitoring }: SoundDefinition, target: string): Problem[] {
  return monitoring?.kind === "prometheusOperator"
    ? [
        problem(
          "monitoring",
          "prometheusOperator",
          `needs the Prometheus operator of a Kubernetes cluster, which ${target} does not have: take Monitoring.prometheus(), or ` +
            "Monitoring.none() and give the alertRules of the cluster to a Prometheus of your own",
        ),
      ]
    : [];
}
