import type { SoundDefinition } from "../../definition/cluster";
import { type Problem, problem, type Sound } from "../../definition/problems";
import { secretsOf } from "../../definition/secret";
import type { DockerOptions } from "../../definition/target";
import { noPrometheusOperator } from "../no-prometheus-operator";

/** What Docker cannot honour of a definition, besides options that are wrong by themselves. */
export function dockerProblems(options: Partial<Sound<DockerOptions>>, definition: SoundDefinition): Problem[] {
  return [
    ...sshOptionsWithoutSsh(options),
    ...predefinedNetwork(options, definition),
    ...unresolvableSecrets(definition),
    ...secondBalancer(definition),
    ...noPrometheusOperator(definition, "Docker"),
  ];
}

function sshOptionsWithoutSsh({ host, sshOptions }: Partial<Sound<DockerOptions>>): Problem[] {
  return sshOptions && host !== undefined && !host.startsWith("ssh://")
    ? [problem("target.sshOptions", sshOptions, 'has no effect unless host begins with "ssh://": leave it out')]
    : [];
}

/** Docker's own networks, which can be neither made nor used here. */
const PREDEFINED_NETWORKS = ["bridge", "host", "none", "default"];

function predefinedNetwork({ network }: Partial<Sound<DockerOptions>>, { name = "" }: SoundDefinition): Problem[] {
  const wanted = network ?? name;
  return PREDEFINED_NETWORKS.includes(wanted)
    ? [problem("target.network", wanted, 'is a network of Docker itself: give network another name: "mqtt"')]
    : [];
}

function unresolvableSecrets(definition: SoundDefinition): Problem[] {
  return secretsOf(definition).flatMap(({ path, secret }) =>
    secret.source === "variable"
      ? []
      : [
          problem(
            path,
            secret,
            `is kept in a ${secret.source === "kubernetes" ? "Kubernetes secret" : "file of the host"}, which Docker cannot read into a ` +
              'configuration file; use Secret.variable("…")',
          ),
        ],
  );
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
