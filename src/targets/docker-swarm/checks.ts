import * as v from "valibot";
import type { SoundDefinition } from "../../definition/cluster";
import type { DockerSwarmOptions } from "../../definition/docker-swarm";
import { type Problem, problem } from "../../definition/problems";
import { hostName } from "../../definition/values";
import { engineProblems } from "../docker-engine";
import { hostsForEveryPart, loopbackAmongOthers, pairs } from "../host-roles";
import { noPrometheusOperator } from "../no-prometheus-operator";
import { addressOf, allRoles, constraintOf, rolesFor, sameConstraint } from "./hosts";

/** What a swarm cannot honour of a definition, besides options that are wrong by themselves. */
export function dockerSwarmProblems(options: Partial<DockerSwarmOptions>, definition: SoundDefinition): Problem[] {
  return [
    ...engineProblems(options, definition),
    ...hostsForEveryPart(options, definition, constraintOf),
    ...hostsThatDieTogether(options),
    ...unknownAddresses(options, definition),
    ...loopbackAddresses(options),
    ...noPrometheusOperator(definition, "a swarm"),
  ];
}

/** Two of one kind on the same host. Labels that several hosts have are looked up when the plan is applied. */
function hostsThatDieTogether(options: Partial<DockerSwarmOptions>): Problem[] {
  return (["broker", "balancer"] as const).flatMap((workload) =>
    pairs(rolesFor(workload, options)).flatMap(([first, second]) =>
      sameConstraint(second.host.constraint) === sameConstraint(first.host.constraint) &&
      (workload === "broker" || !second.host.constraint.startsWith("node.labels."))
        ? [
            problem(
              `target.${second.path}.constraint`,
              second.host.constraint,
              `is that of ${first.path} as well: the two would die together${workload === "broker" ? "" : ", and want the same ports"}`,
            ),
          ]
        : [],
    ),
  );
}

/** Endpoints need one. */
function unknownAddresses(options: Partial<DockerSwarmOptions>, { balancer, monitoring }: SoundDefinition): Problem[] {
  const shown = [
    ...(balancer ? rolesFor(balancer.kind === "none" ? "broker" : "balancer", options) : []),
    ...(options.publishOperatorPorts && monitoring?.kind === "prometheus" ? rolesFor("prometheus", options) : []),
  ];
  return shown.flatMap(({ path, host }) =>
    v.safeParse(hostName, addressOf(host)).success
      ? []
      : [
          problem(
            `target.${path}.address`,
            undefined,
            `must be the name or address by which ${path === "monitoring" ? "operators" : "clients"} reach the host with ` +
              `${host.constraint}: only node.hostname== says it by itself, where it is a host name`,
          ),
        ],
  );
}

function loopbackAddresses(options: Partial<DockerSwarmOptions>): Problem[] {
  const found = loopbackAmongOthers(
    allRoles(options),
    ({ constraint }) => sameConstraint(constraint),
    ({ address }) => address,
  );
  return found.map(({ path, host }) =>
    problem(
      `target.${path}.address`,
      host.address,
      "is this host itself to every other one; give the address that others reach it by",
    ),
  );
}
