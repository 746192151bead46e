import type { SoundDefinition } from "../../definition/cluster";
import { type Problem, problem } from "../../definition/problems";
import { secretsOf } from "../../definition/secret";
import type { VmsOptions } from "../../definition/vms";
import { hostsForEveryPart, loopbackAmongOthers, pairs } from "../host-roles";
import { noPrometheusOperator } from "../no-prometheus-operator";
import { addressOf, allRoles, clusterAddress, rolesFor } from "./hosts";
import { canHaveBastion, UNCHECKED } from "./known-hosts";

/** What servers cannot honour of a definition, and what the roles of the hosts have against each other. */
export function vmsProblems(options: Partial<VmsOptions>, definition: SoundDefinition): Problem[] {
  return [
    ...hostsForEveryPart(options, definition, addressOf),
    ...hostsThatDieTogether(options),
    ...oneHostTwoStories(options),
    ...bastionKeys(options),
    ...loopbackAddresses(options),
    ...virtualAddressOfOne(options),
    ...unresolvableSecrets(definition),
    ...noPrometheusOperator(definition, "a server"),
  ];
}

function hostsThatDieTogether(options: Partial<VmsOptions>): Problem[] {
  return (["broker", "balancer"] as const).flatMap((workload) =>
    pairs(rolesFor(workload, options)).flatMap(([first, second]) =>
      clusterAddress(first.host) === clusterAddress(second.host)
        ? [
            problem(
              `target.${second.path}`,
              clusterAddress(second.host),
              `is the host of ${first.path} as well: the two would die together, and want the same ports`,
            ),
          ]
        : [],
    ),
  );
}

/** A host in two roles, described twice and differently. */
function oneHostTwoStories(options: Partial<VmsOptions>): Problem[] {
  return pairs(allRoles(options)).flatMap(([first, second]) => {
    const sameHost =
      first.host.address.toLowerCase() === second.host.address.toLowerCase() ||
      clusterAddress(first.host) === clusterAddress(second.host);
    if (!sameHost || (first.host.port ?? 22) !== (second.host.port ?? 22)) {
      return [];
    }
    const key = (["address", "privateAddress", "hostKey", "user", "privateKeyFile"] as const).find(
      (option) => first.host[option] !== second.host[option],
    );
    return key
      ? [
          problem(
            `target.${second.path}.${key}`,
            second.host[key],
            `differs from ${first.path}, which is the same host`,
          ),
        ]
      : [];
  });
}

/** Terraform checks the two with one option; see known-hosts.ts. */
function bastionKeys(options: Partial<VmsOptions>): Problem[] {
  return allRoles(options).flatMap(({ path, host }) => {
    const bastion = host.bastion ?? options.ssh?.bastion;
    if (!bastion?.hostKey || !host.hostKey) {
      return [];
    }
    if ((bastion.hostKey === UNCHECKED) !== (host.hostKey === UNCHECKED)) {
      return [
        problem(
          `target.${path}.hostKey`,
          host.hostKey,
          "Terraform checks a host and its bastion both, or neither: give both their keys",
        ),
      ];
    }
    return host.hostKey === UNCHECKED || canHaveBastion(host.hostKey, bastion.hostKey)
      ? []
      : [
          problem(
            `target.${path}.hostKey`,
            host.hostKey,
            "behind a bastion, name the ssh-ed25519 or ecdsa-sha2-nistp256 key of the host, too",
          ),
        ];
  });
}

function loopbackAddresses(options: Partial<VmsOptions>): Problem[] {
  return loopbackAmongOthers(allRoles(options), clusterAddress, clusterAddress).map(({ path, host }) =>
    problem(
      `target.${path}.${host.privateAddress ? "privateAddress" : "address"}`,
      clusterAddress(host),
      "is this host itself to every other one; give the address that they reach it by",
    ),
  );
}

function virtualAddressOfOne(options: Partial<VmsOptions>): Problem[] {
  const { virtualAddress, balancers } = options;
  const own = allRoles(options).find(({ host }) =>
    [clusterAddress(host), host.address].includes(virtualAddress?.address?.split("/")[0] ?? ""),
  );
  if (own) {
    return [
      problem(
        "target.virtualAddress.address",
        virtualAddress?.address,
        `is the address of ${own.path}; it must be one that no host has`,
      ),
    ];
  }
  return virtualAddress?.address && balancers && Object.keys(balancers).length < 2
    ? [
        problem(
          "target.virtualAddress",
          virtualAddress.address,
          "moves between two balancers, and there are not two; leave it out, or set balancer.replicas to 2 and name two hosts",
        ),
      ]
    : [];
}

function unresolvableSecrets(definition: SoundDefinition): Problem[] {
  return secretsOf(definition).flatMap(({ path, secret }) =>
    secret.source === "kubernetes"
      ? [
          problem(
            path,
            secret,
            'is kept in a Kubernetes secret, which servers cannot read; use Secret.variable("…"), or Secret.file("…") for a file ' +
              "that every host of the program has",
          ),
        ]
      : [],
  );
}
