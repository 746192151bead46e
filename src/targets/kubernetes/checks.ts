import type { SoundDefinition } from "../../definition/cluster";
import { isBusinessEmqx } from "../../definition/cross-checks";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import { type Problem, problem, type Sound } from "../../definition/problems";
import { secretsOf } from "../../definition/secret";
import { missingPackage } from "../provider-packages";
import { LONGEST_HOST } from "./names";

type Options = Partial<Sound<KubernetesOptions>>;

/** What Kubernetes cannot honour of a definition, and options that do not go together. */
export function kubernetesProblems(options: Options, definition: SoundDefinition): Problem[] {
  return [
    ...serviceOptions(options),
    ...contraryResources(options),
    ...claimsThatGo(options),
    ...impatience(options, definition),
    ...makerOf(options, definition),
    ...helmPackage(options, definition),
    ...longHosts(options, definition),
    ...unresolvableSecrets(definition),
  ];
}

function serviceOptions({ clients }: Options): Problem[] {
  if (!clients?.type) {
    return [];
  }
  const { type } = clients;
  const refuse = (option: "nodePorts" | "externalTrafficPolicy" | "loadBalancerClass", types: string) => {
    const value = clients[option];
    const isGiven = typeof value === "object" ? Object.keys(value).length > 0 : value !== undefined;
    return isGiven && !types.includes(type)
      ? [
          problem(
            `target.clients.${option}`,
            value,
            `has no meaning for a service of type ${type}: leave it out, or choose ${types.replace(" ", " or ")}`,
          ),
        ]
      : [];
  };
  return [
    ...refuse("nodePorts", "NodePort LoadBalancer"),
    ...refuse("externalTrafficPolicy", "NodePort LoadBalancer"),
    ...refuse("loadBalancerClass", "LoadBalancer"),
    ...(clients.sourceRanges && type === "ClusterIP"
      ? [
          problem(
            "target.clients.sourceRanges",
            clients.sourceRanges,
            "has no meaning for a service of type ClusterIP, which nobody outside reaches: leave it out, or choose NodePort or LoadBalancer",
          ),
        ]
      : []),
    ...(clients.sourceRanges && type === "NodePort" && clients.externalTrafficPolicy === "Cluster"
      ? [
          problem(
            "target.clients.sourceRanges",
            clients.sourceRanges,
            'cannot be kept with externalTrafficPolicy "Cluster", which hides where clients come from: take "Local"',
          ),
        ]
      : []),
    ...(nodePortTwice(clients.nodePorts)
      ? [problem("target.clients.nodePorts", clients.nodePorts, "has one port twice; ports must differ")]
      : []),
  ];
}

function claimsThatGo({ createNamespace, storage }: Options): Problem[] {
  return createNamespace && storage?.whenDestroyed === "retain"
    ? [
        problem(
          "target.createNamespace",
          true,
          'has the namespace destroyed together with the cluster, and every claim in it: set storage.whenDestroyed to "delete" if that is wanted, or make the namespace elsewhere',
        ),
      ]
    : [];
}

function impatience({ rolloutTimeout, minReady }: Options, { broker }: SoundDefinition): Problem[] {
  const least = (broker?.nodes ?? 0) * (minReady ?? 0);
  return rolloutTimeout !== undefined && rolloutTimeout <= least
    ? [
        problem(
          "target.rolloutTimeout",
          `${rolloutTimeout}s`,
          `must be more than minReady for each of the brokers: ${least}s, and the time that they take to start`,
        ),
      ]
    : [];
}

/** Programs whose memory the definition gives, because they must know it themselves. */
const OWN_MEMORY: Record<string, string> = {
  emqx: "broker.memory",
  rabbitmq: "broker.memory",
  redis: "sessionStore.memory",
};

function contraryResources({ resources = {} }: Options): Problem[] {
  return Object.entries(resources).flatMap(([program, given]) => {
    const path = `target.resources.${program}`;
    const more = (request: "memoryRequest" | "cpuRequest", limit: "memoryLimit" | "cpuLimit") =>
      given?.[request] !== undefined && given[limit] !== undefined && given[request] > given[limit]
        ? [problem(`${path}.${request}`, given[request], `must not be more than ${limit}`)]
        : [];
    const own = OWN_MEMORY[program];
    const memory = own
      ? (["memoryRequest", "memoryLimit"] as const).filter((option) => given?.[option] !== undefined)
      : [];
    return [
      ...memory.map((option) =>
        problem(
          `${path}.${option}`,
          given?.[option],
          `is for ${own} to say, which the program must know, too: set that`,
        ),
      ),
      ...(memory.length === 0 ? more("memoryRequest", "memoryLimit") : []),
      ...more("cpuRequest", "cpuLimit"),
    ];
  });
}

function nodePortTwice(ports: { readonly [name: string]: number | undefined } | undefined): boolean {
  const given = Object.values(ports ?? {}).filter((port) => port !== undefined);
  return new Set(given).size < given.length;
}

/** Of a cluster: its set is called `<cluster>-broker-core-<ten letters>`, and has labels with eleven more. */
const LONGEST_FOR_OPERATOR = 29;

function makerOf(options: Options, { broker, name = "" }: SoundDefinition): Problem[] {
  const { brokersBy, installOperator } = options;
  if (!brokersBy) {
    return [];
  }
  return [
    ...(broker?.kind === "rabbitmq" && brokersBy !== "statefulSet"
      ? [
          problem(
            "target.brokersBy",
            brokersBy,
            'must be "statefulSet" with RabbitMQ: only EMQX\'s own chart and operator are known to this package',
          ),
        ]
      : []),
    ...(broker?.kind === "emqx" &&
    brokersBy !== "statefulSet" &&
    broker.version &&
    !/^\d+\.\d+\.\d+$/.test(broker.version)
      ? [
          problem(
            "broker.version",
            broker.version,
            `must have three parts with brokersBy "${brokersBy}": it is that of a chart or an image, which must not change under its name`,
          ),
        ]
      : []),
    ...(brokersBy === "operator" && name.length > LONGEST_FOR_OPERATOR
      ? [
          problem(
            "name",
            name,
            `must have at most ${LONGEST_FOR_OPERATOR} characters with EMQX's operator, which makes labels of it with more behind`,
          ),
        ]
      : []),
    ...replicantsOfWhom(options, broker),
    ...(installOperator && brokersBy !== "operator"
      ? [
          problem(
            "target.installOperator",
            true,
            `has no effect with brokersBy "${brokersBy}": leave it out, or set brokersBy to "operator"`,
          ),
        ]
      : []),
  ];
}

function replicantsOfWhom({ replicants, brokersBy }: Options, broker: SoundDefinition["broker"]): Problem[] {
  if (replicants === undefined) {
    return [];
  }
  if (brokersBy !== "operator") {
    return [
      problem(
        "target.replicants",
        replicants,
        `has no effect with brokersBy "${brokersBy}": leave it out and give broker more nodes, or set brokersBy to "operator"`,
      ),
    ];
  }
  return broker?.kind === "emqx" && broker.version && !isBusinessEmqx(broker.version)
    ? [
        problem(
          "target.replicants",
          replicants,
          `open-source EMQX ${broker.version} has none: leave it out and give broker more nodes, or take 5.9 or later with a licence`,
        ),
      ]
    : [];
}

const HELM = "@cdktf/provider-helm";

function helmPackage({ brokersBy }: Options, { monitoring }: SoundDefinition): Problem[] {
  if (brokersBy && brokersBy !== "statefulSet") {
    return missingPackage("target.brokersBy", brokersBy, HELM);
  }
  return monitoring?.kind === "prometheusOperator" ? missingPackage("monitoring", monitoring.kind, HELM) : [];
}

/** The longest name that anything in the cluster has: a broker's, with two of its digits. */
function longHosts({ namespace, clusterDomain }: Options, { name = "" }: SoundDefinition): Problem[] {
  if (!namespace || !clusterDomain) {
    return [];
  }
  const host = `${name}-broker-99.${name}-broker-headless.${namespace}.svc.${clusterDomain}`;
  return host.length > LONGEST_HOST
    ? [
        problem(
          "target.clusterDomain",
          clusterDomain,
          `makes hosts such as ${host.slice(0, 40)}… longer than the ${LONGEST_HOST} characters that DNS allows (${host.length}): give the cluster or the namespace a shorter name`,
        ),
      ]
    : [];
}

function unresolvableSecrets(definition: SoundDefinition): Problem[] {
  return secretsOf(definition).flatMap(({ path, secret }) =>
    secret.source === "file"
      ? [
          problem(
            path,
            secret,
            'is kept in a file of a host, which pods cannot read; use Secret.kubernetes("secret", "key") or Secret.variable("…")',
          ),
        ]
      : [],
  );
}
