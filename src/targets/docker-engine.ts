import type { SoundDefinition } from "../definition/cluster";
import { type Problem, problem } from "../definition/problems";
import { secretsOf } from "../definition/secret";
import { forInstance } from "../formats/references";
import { escapeTemplate } from "../formats/terraform";
import type { HealthCheck, Instance } from "../workload";
import { ownNetwork } from "./own-network";

/** What containers and services of Docker have in common. */

/** Docker's own DNS server, the same address in every container of a network that somebody made. */
export const DOCKER_DNS = "127.0.0.11";

/** Docker's own networks, which can be neither made nor used here. */
const PREDEFINED_NETWORKS = ["bridge", "host", "none", "default", "ingress"];

interface EngineOptions {
  readonly host?: string;
  readonly sshOptions?: readonly (string | undefined)[];
  readonly network?: string;
  readonly registry?: string;
  readonly registryLogin?: boolean;
}

/** What an engine cannot honour of a definition, be it the only one or one of many. */
export function engineProblems(
  { host, sshOptions, network, registry, registryLogin }: EngineOptions,
  definition: SoundDefinition,
): Problem[] {
  const { name: wanted } = ownNetwork({ network }, definition.name ?? "");
  return [
    ...(registryLogin && !registry
      ? [
          problem(
            "target.registryLogin",
            registryLogin,
            "is about the registry of target.registry, which is missing: give that, or leave this out",
          ),
        ]
      : []),
    ...(sshOptions && host !== undefined && !host.startsWith("ssh://")
      ? [problem("target.sshOptions", sshOptions, 'has no effect unless host begins with "ssh://": leave it out')]
      : []),
    ...(PREDEFINED_NETWORKS.includes(wanted)
      ? [problem("target.network", wanted, 'is a network of Docker itself: give network another name: "mqtt"')]
      : []),
    ...unresolvableSecrets(definition),
  ];
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

/** Arguments of Terraform's provider that reach the engine. */
export function engineProvider({ host, registry, registryLogin, sshOptions }: EngineOptions) {
  return {
    host,
    // Without this the provider asks every registry as nobody, whatever `docker login` has stored.
    registryAuth: registryLogin && registry ? [{ address: registry.split("/")[0] }] : undefined,
    sshOpts: sshOptions?.map((option) => escapeTemplate(option ?? "")),
  };
}

export function environmentOf(environment: Readonly<Record<string, string>>, instance: Instance): [string, string][] {
  return Object.entries(environment).map(([name, value]) => [name, escapeTemplate(forInstance(value, instance))]);
}

export function probeCommand({ probe }: HealthCheck): readonly string[] {
  return probe.kind === "command"
    ? probe.command
    : ["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${probe.port}${probe.path}`];
}

/** As Go prints it: the provider reads durations back in this form, and "90s" would be a change in every later plan. */
export function goDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${seconds % 60}s`;
}

export function secondsUntilUnhealthy(health: HealthCheck): number {
  return health.startPeriodSeconds + health.retries * (health.intervalSeconds + health.timeoutSeconds);
}
