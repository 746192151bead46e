import type { SoundDefinition } from "../../definition/cluster";
import { writesThroughWebdis } from "../../definition/cross-checks";
import { type Problem, problem } from "../../definition/problems";
import { secretsOf } from "../../definition/secret";
import type { VmsOptions } from "../../definition/vms";
import { noPrometheusOperator } from "../no-prometheus-operator";
import { allRoles, clusterAddress, rolesFor } from "./hosts";
import { canHaveBastion, UNCHECKED } from "./known-hosts";

/** What servers cannot honour of a definition, and what the roles of the hosts have against each other. */
export function vmsProblems(options: Partial<VmsOptions>, definition: SoundDefinition): Problem[] {
  return [
    ...hostsForEveryPart(options, definition),
    ...hostsThatDieTogether(options),
    ...oneHostTwoStories(options),
    ...bastionKeys(options),
    ...loopbackAmongOthers(options),
    ...virtualAddressOfOne(options),
    ...unresolvableSecrets(definition),
    ...noPrometheusOperator(definition, "a server"),
  ];
}

function hostsForEveryPart(options: Partial<VmsOptions>, definition: SoundDefinition): Problem[] {
  const { broker, balancer, sessionStore, monitoring } = definition;
  const replicas = balancer?.kind === "none" ? 0 : balancer?.replicas;
  const unused = (part: "sessionStore" | "monitoring", why: string) =>
    options[part]?.address
      ? [problem(`target.${part}`, options[part]?.address, `has nothing to run: ${why}; leave it out`)]
      : [];
  return [
    ...countOf("target.brokers", options.brokers, broker?.nodes, "broker.nodes"),
    ...countOf("target.balancers", options.balancers, replicas, "balancer.replicas"),
    ...(sessionStore?.kind === "redis" && !options.sessionStore
      ? [problem("target.sessionStore", undefined, "must be a host for Redis, which sessionStore asks for")]
      : []),
    ...(sessionStore?.kind === "existingRedis" && writesThroughWebdis(definition) && !options.sessionStore
      ? [
          problem(
            "target.sessionStore",
            undefined,
            "must be a host for Webdis, by which open-source EMQX reaches the Redis that sessionStore names",
          ),
        ]
      : []),
    ...(sessionStore?.kind === "existingRedis" && broker?.version && !writesThroughWebdis(definition)
      ? unused("sessionStore", "the Redis of SessionStore.existingRedis() runs elsewhere")
      : []),
    ...(sessionStore?.kind === "builtIn" ? unused("sessionStore", "brokers keep their sessions themselves") : []),
    ...(monitoring?.kind === "none" ? unused("monitoring", "the definition has Monitoring.none()") : []),
    ...(monitoring?.kind === "prometheus" && !options.monitoring
      ? [
          problem(
            "target.monitoring",
            undefined,
            "must be a host for Prometheus and Alertmanager; or switch them off with Monitoring.none()",
          ),
        ]
      : []),
  ];
}

function countOf(path: string, hosts: object | undefined, wanted: number | undefined, option: string): Problem[] {
  if (hosts === undefined || wanted === undefined) {
    return [];
  }
  const names = Object.keys(hosts);
  return names.length === wanted
    ? []
    : [
        problem(
          path,
          names.length === 0 ? undefined : hosts,
          `must be as many hosts as ${option}: there are ${names.length || "none"}, and ${wanted || "none"} wanted`,
        ),
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

function loopbackAmongOthers(options: Partial<VmsOptions>): Problem[] {
  const roles = allRoles(options);
  if (new Set(roles.map(({ host }) => clusterAddress(host))).size < 2) {
    return [];
  }
  return roles.flatMap(({ path, host }) =>
    /^(?:127\.|0\.0\.0\.0$|localhost(?:\.|$))/.test(clusterAddress(host))
      ? [
          problem(
            `target.${path}.${host.privateAddress ? "privateAddress" : "address"}`,
            clusterAddress(host),
            "is this host itself to every other one; give the address that they reach it by",
          ),
        ]
      : [],
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

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((second, index) => items.slice(0, index).map((first): [T, T] => [first, second]));
}
