import type { SoundDefinition } from "../definition/cluster";
import { writesThroughWebdis } from "../definition/cross-checks";
import { type Problem, problem } from "../definition/problems";
import { NUMBERED } from "../placement/placement";
import type { Instance, WorkloadName } from "../workload";

/** Hosts by what they run, as targets have them that are told where each instance is. */
export interface HostOptions<H> {
  readonly brokers?: { readonly [name: string]: H | undefined };
  readonly balancers?: { readonly [name: string]: H | undefined };
  readonly sessionStore?: H;
  readonly monitoring?: H;
}

/** A host in one of its roles. */
export interface Role<H> {
  /** As an option of the target: `brokers.broker-1`, `monitoring`. */
  readonly path: string;
  /** What its number is counted in: `broker-2` has 2. */
  readonly ordinal: number;
  readonly host: H;
}

/** What people know a host by; undefined for one that is not well-formed, which is said elsewhere. */
export type NameOf<H> = (host: H) => string | undefined;

/** Whose hosts run which workloads. */
const HOSTS_OF: Record<WorkloadName, keyof HostOptions<unknown>> = {
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
export function rolesFor<H>(workload: WorkloadName, options: HostOptions<H>, nameOf: NameOf<H>): Role<H>[] {
  const option = HOSTS_OF[workload];
  if (option === "sessionStore" || option === "monitoring") {
    const host = options[option];
    return host && nameOf(host) ? [{ path: option, ordinal: 1, host }] : [];
  }
  return Object.entries(options[option] ?? {})
    .flatMap(([name, host]) =>
      host && nameOf(host) ? [{ path: `${option}.${name}`, ordinal: Number(/\d+$/.exec(name)), host }] : [],
    )
    .sort((a, b) => a.ordinal - b.ordinal);
}

export function allRoles<H>(options: HostOptions<H>, nameOf: NameOf<H>): Role<H>[] {
  return (["broker", "balancer", "session-store", "prometheus"] as const).flatMap((workload) =>
    rolesFor(workload, options, nameOf),
  );
}

/** One instance on every host of a workload. */
export function instancesOn<H>(
  roles: readonly Role<H>[],
  workload: WorkloadName,
  hostOf: (role: Role<H>, name: string) => string,
): Instance[] {
  return roles.map((role) => {
    const name = NUMBERED.includes(workload) ? `${workload}-${role.ordinal}` : workload;
    return { ordinal: role.ordinal, name, host: hostOf(role, name) };
  });
}

/** Of a host that is wrong nothing more is said than that. */
export function withoutWrongHosts(wrong: readonly Problem[], further: readonly Problem[]): Problem[] {
  const said = wrong.map(({ path }) => path);
  return [
    ...wrong,
    ...further.filter(({ path }) => !said.some((place) => place === path || place.startsWith(`${path}.`))),
  ];
}

const LOOPBACK = /^(?:127\.|0\.0\.0\.0$|localhost(?:\.|$))/i;

/**
 * Of several hosts those whose address is, for whoever uses it, the machine itself. A single one may be tried so.
 *
 * @param identity The same for the same host in another role.
 */
export function loopbackAmongOthers<H>(
  roles: readonly Role<H>[],
  identity: (host: H) => string,
  addressOf: (host: H) => string | undefined,
): Role<H>[] {
  const several = new Set(roles.map(({ host }) => identity(host))).size > 1;
  return several ? roles.filter(({ host }) => LOOPBACK.test(addressOf(host) ?? "")) : [];
}

export function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((second, index) => items.slice(0, index).map((first): [T, T] => [first, second]));
}

/** As many hosts as the definition has instances, and none for nothing. */
export function hostsForEveryPart<H>(
  options: HostOptions<H>,
  definition: SoundDefinition,
  nameOf: NameOf<H>,
): Problem[] {
  const { broker, balancer, sessionStore, monitoring } = definition;
  const replicas = balancer?.kind === "none" ? 0 : balancer?.replicas;
  const unused = (part: "sessionStore" | "monitoring", why: string) => {
    const host = options[part];
    const name = host && nameOf(host);
    return name ? [problem(`target.${part}`, name, `has nothing to run: ${why}; leave it out`)] : [];
  };
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
