import { compareVersions } from "compare-versions";
import { checkBalancerCapacity } from "./balancer-capacity";
import type { SoundDefinition } from "./cluster";
import { type Problem, problem } from "./problems";
import { didYouMean } from "./values";

/** What no part can know alone. Called with the parts that are well-formed, so that everything is reported at once. */
export function crossChecks(definition: SoundDefinition): Problem[] {
  return [
    ...emqxVersion(definition),
    ...minimumVersions(definition),
    ...listenerPorts(definition),
    ...brokerCannot(definition),
    ...haproxyVersion(definition),
    ...balancerCapacity(definition),
    ...users(definition),
  ];
}

function emqxVersion({ broker }: SoundDefinition): Problem[] {
  if (broker?.kind !== "emqx") {
    return [];
  }
  const { version, nodes = 1, license } = broker;
  if (version === undefined) {
    return [];
  }
  if (compareVersions(version, "5.8.0") < 0 || compareVersions(version, "7.0.0") >= 0) {
    return [
      problem(
        "broker.version",
        version,
        "must be 5.8.x (open source), or 5.9 to 6.x with a licence; older lines have other settings",
      ),
    ];
  }
  if (isBusinessEmqx(version) && nodes > 1 && !license) {
    return [
      problem(
        "broker.license",
        undefined,
        `EMQX ${version} starts more than one node only with a licence: give license: Secret.variable("emqx_license"), or ` +
          'take version "5.8.9" (the last open-source one), or nodes: 1',
      ),
    ];
  }
  if (!isBusinessEmqx(version) && license) {
    return [problem("broker.license", license, `EMQX ${version} is open source and knows no licence: leave it out`)];
  }
  return [];
}

/** From 5.9 on EMQX is under the Business Source License, with the features of the former enterprise edition. */
export function isBusinessEmqx(version: string): boolean {
  return compareVersions(version, "5.9.0") >= 0;
}

/** Open-source EMQX has no Redis connector: its events reach Redis over HTTP, through Webdis. */
export function writesThroughWebdis({ broker, sessionStore }: SoundDefinition): boolean {
  return (
    sessionStore !== undefined &&
    sessionStore.kind !== "builtIn" &&
    broker?.kind === "emqx" &&
    broker.version !== undefined &&
    !isBusinessEmqx(broker.version)
  );
}

/** The oldest versions that the programs' files were written for. */
export const LEAST_VERSIONS = {
  haproxy: "2.6",
  nginx: "1.22",
  redis: "7.0",
  prometheus: "2.42",
  alertmanager: "0.25",
} as const;

function minimumVersions({ broker, balancer, sessionStore, monitoring }: SoundDefinition): Problem[] {
  const atLeast = (path: string, version: string | undefined, minimum: string, why: string) =>
    version !== undefined && compareVersions(version, minimum) < 0
      ? [problem(path, version, `must be ${minimum} or later: ${why}`)]
      : [];
  return [
    ...(broker?.kind === "rabbitmq"
      ? atLeast("broker.version", broker.version, "3.10", "older ones were not tested")
      : []),
    ...(balancer?.kind === "haproxy"
      ? atLeast("balancer.version", balancer.version, LEAST_VERSIONS.haproxy, "older ones cannot hash by client id")
      : []),
    ...(balancer?.kind === "nginx"
      ? atLeast("balancer.version", balancer.version, LEAST_VERSIONS.nginx, "older ones were not tested")
      : []),
    ...(sessionStore?.kind === "redis"
      ? atLeast(
          "sessionStore.version",
          sessionStore.version,
          LEAST_VERSIONS.redis,
          "the session function needs Redis functions",
        )
      : []),
    ...(monitoring?.kind === "prometheus"
      ? [
          ...atLeast("monitoring.version", monitoring.version, LEAST_VERSIONS.prometheus, "older ones were not tested"),
          ...atLeast(
            "monitoring.alertmanagerVersion",
            monitoring.alertmanagerVersion,
            LEAST_VERSIONS.alertmanager,
            "older ones were not tested",
          ),
        ]
      : []),
  ];
}

/** Ports that the programs themselves use, besides the listeners of the definition. */
const RESERVED = {
  emqx: {
    18083: "the dashboard",
    4370: "the Erlang distribution",
    5369: "the cluster's RPC",
    5370: "the cluster's RPC",
  },
  rabbitmq: {
    4369: "epmd",
    5672: "AMQP",
    15672: "the management interface",
    15692: "metrics",
    25672: "the Erlang distribution",
  },
} as const;

function listenerPorts({ broker, balancer, monitoring }: SoundDefinition): Problem[] {
  if (!broker?.listeners) {
    return [];
  }
  const { tcpPort, wsPort, internalPort } = broker.listeners;
  return portsTakenTwice("broker.listeners", { tcpPort, wsPort, internalPort }, [
    ...Object.entries(RESERVED[broker.kind]).map(([port, use]) => [Number(port), `${use} of ${broker.kind}`] as const),
    ...(balancer && balancer.kind !== "none" ? [balancerMetrics(balancer.kind)] : []),
    ...(monitoring?.kind === "prometheus" ? MONITORING_PORTS : []),
  ]);
}

/** On some target they share an address with the listeners, and one definition is for all of them. */
const MONITORING_PORTS = [
  [9090, "Prometheus"],
  [9093, "Alertmanager"],
] as const;

export function balancerMetrics(kind: string): readonly [number, string] {
  return [BALANCER_METRICS_PORT, `the metrics of ${kind}`];
}

/** Ports that meet another one, or one that is in use already; 0 is none. */
export function portsTakenTwice(
  path: string,
  ports: { readonly [option: string]: number | undefined },
  inUse: readonly (readonly [number, string])[],
): Problem[] {
  const taken = new Map(inUse);
  const problems: Problem[] = [];
  for (const [option, port] of Object.entries(ports)) {
    const use = port && taken.get(port);
    if (use) {
      problems.push(problem(`${path}.${option}`, port, `is already the port of ${use}; choose another`));
    } else if (port) {
      taken.set(port, `${path}.${option}`);
    }
  }
  return problems;
}

/** Its "leastconn" never ends when a broker refuses a connection, and the watchdog kills the process (haproxy#3004). */
function haproxyVersion({ balancer }: SoundDefinition): Problem[] {
  return balancer?.kind === "haproxy" && ["3.2.0", "3.2.1"].includes(balancer.version ?? "")
    ? [
        problem(
          "balancer.version",
          balancer.version,
          "this HAProxy dies when a broker refuses a connection; take 3.2.2 or later",
        ),
      ]
    : [];
}

function balancerCapacity({ broker, balancer, clients }: SoundDefinition): Problem[] {
  return broker?.nodes && clients?.maxConnections && balancer && balancer.kind !== "none"
    ? checkBalancerCapacity(clients.maxConnections, broker.nodes, "give more nodes, or Balancer.none()")
    : [];
}

/** Where every balancer offers metrics and its own health. */
export const BALANCER_METRICS_PORT = 8405;

function brokerCannot({ broker, sessionStore, access }: SoundDefinition): Problem[] {
  const problems: Problem[] = [];
  if (broker?.kind === "rabbitmq") {
    if (sessionStore && sessionStore.kind !== "builtIn") {
      problems.push(
        problem(
          "sessionStore",
          sessionStore.kind,
          "RabbitMQ keeps the session of every MQTT client in queues of its own and raises no events that could be copied; " +
            "use SessionStore.builtIn()",
        ),
      );
    }
    if (access?.kind === "redis") {
      problems.push(problem("access", "redis", "RabbitMQ cannot ask Redis for credentials; use Access.passwords()"));
    }
    if (broker.listeners?.internalPort) {
      problems.push(
        problem(
          "broker.listeners.internalPort",
          broker.listeners.internalPort,
          "RabbitMQ has one PROXY protocol setting for all its MQTT listeners, so a listener beside the balancer cannot work; " +
            "leave it out and connect through the balancer",
        ),
      );
    }
    for (const key of ["maxQueuedMessages", "maxClientIdLength", "maxTopicLevels"] as const) {
      if (broker.mqtt?.[key] !== undefined) {
        problems.push(problem(`broker.mqtt.${key}`, broker.mqtt[key], "RabbitMQ has no such limit; leave it out"));
      }
    }
  }
  if (broker?.kind === "rabbitmq" && broker.version !== undefined && access?.kind === "passwords") {
    problems.push(...rabbitmqTopics(broker.version, access.rules ?? []));
  }
  if (access?.kind === "redis" && sessionStore?.kind === "builtIn") {
    problems.push(
      problem(
        "access",
        "redis",
        "credentials live in the Redis of the session store: add sessionStore: SessionStore.redis(), or " +
          "SessionStore.existingRedis()",
      ),
    );
  }
  return problems;
}

type Rules = readonly ({ readonly topics: readonly (string | undefined)[] | undefined } | undefined)[];

function rabbitmqTopics(version: string, rules: Rules): Problem[] {
  // https://github.com/rabbitmq/rabbitmq-server/pull/15442
  const escapesClientId = compareVersions(version, "4.2.4") >= 0;
  return rules.flatMap((given, rule) =>
    (given?.topics ?? []).flatMap((topic = "", index) => {
      const path = `access.rules[${rule}].topics[${index}]`;
      if (topic.includes("*")) {
        return [problem(path, topic, 'must not contain "*", which RabbitMQ takes for +')];
      }
      return topic.includes("${clientid}") && !escapesClientId
        ? [
            problem(
              path,
              topic,
              `RabbitMQ ${version} puts the client id into a regular expression as it is, and a client that calls itself ".*" ` +
                "gets everybody's topics: use ${username}, or version 4.2.4 or later",
            ),
          ]
        : [];
    }),
  );
}

function users({ access }: SoundDefinition): Problem[] {
  if (access?.kind !== "passwords" || !access.users) {
    return [];
  }
  const names = access.users.map((user) => user?.name);
  const known = names.filter((name) => name !== undefined);
  const twice = names.flatMap((name, index) =>
    name !== undefined && names.indexOf(name) < index
      ? [problem(`access.users[${index}].name`, name, "is there twice; names must differ")]
      : [],
  );
  // A rule may be for a user whose name is wrong, which is said already.
  const strangers = (access.rules ?? []).flatMap((rule, index) =>
    (rule?.users ?? []).flatMap((name, user) =>
      name === undefined || names.includes(name) || known.length < names.length
        ? []
        : [
            problem(
              `access.rules[${index}].users[${user}]`,
              name,
              `is not one of access.users: ${known.join(", ")}${didYouMean(name, known)}`,
            ),
          ],
    ),
  );
  return [...twice, ...strangers];
}
