import type { SoundDefinition } from "../../definition/cluster";
import type { DockerOptions } from "../../definition/docker";
import { type Problem, problem, type Sound } from "../../definition/problems";
import { engineProblems } from "../docker-engine";
import { noPrometheusOperator } from "../no-prometheus-operator";

/** What Docker cannot honour of a definition, besides options that are wrong by themselves. */
export function dockerProblems(options: Partial<Sound<DockerOptions>>, definition: SoundDefinition): Problem[] {
  return [
    ...engineProblems(options, definition),
    ...secondBalancer(definition),
    ...noPrometheusOperator(definition, "Docker"),
  ];
}

function secondBalancer({ balancer }: SoundDefinition): Problem[] {
  return balancer && balancer.kind !== "none" && (balancer.replicas ?? 1) > 1
    ? [
        problem(
          "balancer.replicas",
          balancer.replicas,
          "must be 1 on Docker: a second balancer on the same host would want the same ports and die with the host",
        ),
      ]
    : [];
}
