import type * as v from "valibot";
import { Access, passwordsSchema, redisAccessSchema } from "./access";
import {
  Balancer,
  type ClientLimitsProps,
  clientLimitsSchema,
  haproxySchema,
  nginxSchema,
  noBalancerSchema,
} from "./balancer";
import { Broker, emqxSchema, rabbitmqSchema } from "./broker";
import { crossChecks } from "./cross-checks";
import { Monitoring, noMonitoringSchema, prometheusOperatorSchema, prometheusSchema } from "./monitoring";
import { type Checked, check, joinProblems, type Problem, problem, refuseProblems, type Sound } from "./problems";
import type { Secret } from "./secret";
import {
  builtInSchema,
  existingRedisSchema,
  existingRedisSecrets,
  namedSecret,
  redisSchema,
  redisSecrets,
  SessionStore,
} from "./session-store";
import { props as allowedProps, isPlainObject } from "./values";

/**
 * An MQTT cluster, wherever it runs: the part that all environments share. Together with a `target` it is what
 * `MqttCluster` takes.
 */
export interface ClusterDefinitionProps {
  /** `Broker.emqx()` or `Broker.rabbitmq()`. */
  readonly broker: Broker;
  /** @default Balancer.haproxy() */
  readonly balancer?: Balancer;
  /** @default SessionStore.builtIn() */
  readonly sessionStore?: SessionStore;
  /** `Access.passwords()` or `Access.redis()`. There is no default: a broker that is open to everybody is no choice. */
  readonly access: Access;
  /** @default Monitoring.prometheus() */
  readonly monitoring?: Monitoring;
  /** @default - 10000 connections, keepalives up to 5 minutes */
  readonly clients?: ClientLimitsProps;
}

type Emqx = v.InferOutput<typeof emqxSchema>;
type Redis = v.InferOutput<typeof redisSchema>;

/** A secret that nobody named gets a name, so that nothing is ever left at a program's default password. */
export type EmqxDefinition = Omit<Emqx, "clusterName" | "dashboardPassword" | "nodeCookie"> & {
  readonly kind: "emqx";
  readonly clusterName: string;
  readonly dashboardPassword: Secret;
  readonly nodeCookie: Secret;
};
export type RabbitmqDefinition = Omit<v.InferOutput<typeof rabbitmqSchema>, "nodeCookie"> & {
  readonly kind: "rabbitmq";
  readonly nodeCookie: Secret;
};
export type BrokerDefinition = EmqxDefinition | RabbitmqDefinition;

type Replicated<B> = Omit<B, "replicas"> & { readonly replicas: number };
export type HaproxyDefinition = Replicated<v.InferOutput<typeof haproxySchema>> & { readonly kind: "haproxy" };
export type NginxDefinition = Replicated<v.InferOutput<typeof nginxSchema>> & { readonly kind: "nginx" };
export type BalancerDefinition = HaproxyDefinition | NginxDefinition | { readonly kind: "none" };

export type RedisDefinition = Required<Omit<Redis, "version">> & Pick<Redis, "version"> & { readonly kind: "redis" };
export type ExistingRedisDefinition = Required<v.InferOutput<typeof existingRedisSchema>> & {
  readonly kind: "existingRedis";
};
export type SessionStoreDefinition = RedisDefinition | ExistingRedisDefinition | { readonly kind: "builtIn" };

export type PasswordAccessDefinition = v.InferOutput<typeof passwordsSchema> & { readonly kind: "passwords" };
export type RedisAccessDefinition = v.InferOutput<typeof redisAccessSchema> & { readonly kind: "redis" };
export type AccessDefinition = PasswordAccessDefinition | RedisAccessDefinition;

export type PrometheusDefinition = v.InferOutput<typeof prometheusSchema> & { readonly kind: "prometheus" };
export type PrometheusOperatorDefinition = v.InferOutput<typeof prometheusOperatorSchema> & {
  readonly kind: "prometheusOperator";
};
export type MonitoringDefinition = PrometheusDefinition | PrometheusOperatorDefinition | { readonly kind: "none" };

export type ClientLimits = v.InferOutput<typeof clientLimitsSchema>;

/** A definition that was checked, with every default filled in. Durations are seconds, sizes bytes. */
export interface ClusterDefinition {
  readonly name: string;
  readonly broker: BrokerDefinition;
  readonly balancer: BalancerDefinition;
  readonly sessionStore: SessionStoreDefinition;
  readonly access: AccessDefinition;
  readonly monitoring: MonitoringDefinition;
  readonly clients: ClientLimits;
}

const PARTS = {
  broker: {
    type: Broker,
    factories: "Broker.emqx() or Broker.rabbitmq()",
    schemas: { emqx: emqxSchema, rabbitmq: rabbitmqSchema },
  },
  balancer: {
    type: Balancer,
    factories: "Balancer.haproxy(), Balancer.nginx() or Balancer.none()",
    schemas: { haproxy: haproxySchema, nginx: nginxSchema, none: noBalancerSchema },
  },
  sessionStore: {
    type: SessionStore,
    factories: "SessionStore.builtIn(), SessionStore.redis() or SessionStore.existingRedis()",
    schemas: { builtIn: builtInSchema, redis: redisSchema, existingRedis: existingRedisSchema },
  },
  access: {
    type: Access,
    factories: "Access.passwords() or Access.redis()",
    schemas: { passwords: passwordsSchema, redis: redisAccessSchema },
  },
  monitoring: {
    type: Monitoring,
    factories: "Monitoring.prometheus(), Monitoring.prometheusOperator() or Monitoring.none()",
    schemas: { prometheus: prometheusSchema, prometheusOperator: prometheusOperatorSchema, none: noMonitoringSchema },
  },
} as const;

const DEFAULTS: Partial<Record<keyof typeof PARTS, unknown>> = {
  balancer: Balancer.haproxy(),
  sessionStore: SessionStore.builtIn(),
  monitoring: Monitoring.prometheus(),
};

/** A name, to be used only when nothing is wrong with it. */
export interface CheckedName {
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** What depends on where a definition runs, when it does not say. */
export interface PlaceDefaults {
  readonly balancers: number;
  /** Bytes for each broker; no limit when absent. */
  readonly brokerMemory?: number;
}

export const USUAL_DEFAULTS: PlaceDefaults = { balancers: 1 };

/** The definition as far as it is well-formed. */
export type SoundDefinition = Partial<Sound<ClusterDefinition>>;

const propsSchema = allowedProps(...Object.keys(PARTS), "clients", "target", "name");

/**
 * Checks a definition and fills in its defaults.
 *
 * @param furtherChecks Problems that only programs, target and stack know of, given the parts that are well-formed.
 * @throws InvalidDefinitionError with every problem at once.
 */
export function defineCluster(
  { name, problems: nameProblems }: CheckedName,
  props: ClusterDefinitionProps,
  furtherChecks: (definition: SoundDefinition) => readonly Problem[] = () => [],
  defaults: PlaceDefaults = USUAL_DEFAULTS,
): ClusterDefinition {
  const given: Partial<ClusterDefinitionProps> = isPlainObject(props) ? props : {};
  const problems = [nameProblems, check(propsSchema, props ?? {}, "").problems];
  const take = (part: keyof typeof PARTS) => {
    const result = checkPart(part, given[part]);
    problems.push(result.problems);
    return result.sound;
  };
  const parts = {
    broker: take("broker"),
    balancer: take("balancer"),
    sessionStore: take("sessionStore"),
    access: take("access"),
    monitoring: take("monitoring"),
  };
  const clients = check(clientLimitsSchema, given.clients === undefined ? {} : given.clients, "clients");
  problems.push(clients.problems);

  const definition = withSecretNames(
    withPlaceDefaults({ name, ...parts, clients: clients.sound } as SoundDefinition, defaults, problems.flat()),
  );
  refuseProblems(
    `the definition of MQTT cluster "${name}"`,
    joinProblems(...problems, crossChecks(definition), furtherChecks(definition)),
  );
  return definition as ClusterDefinition;
}

/** Checks one part: `Balancer.haproxy({...})`, or its default when there is none. */
export function checkPart(part: keyof typeof PARTS, given: unknown): Checked<object> {
  const { type, factories, schemas } = PARTS[part];
  const choice = given === undefined ? DEFAULTS[part] : given;
  if (!(choice instanceof type)) {
    return { problems: [problem(part, given, `must be ${factories}`)] };
  }
  const kind = choice._kind;
  const schema = (schemas as Record<string, v.GenericSchema<unknown, object>>)[kind];
  const { output, sound, problems } = check(schema, choice._props, part);
  return { output: output && { kind, ...output }, sound: sound && { kind, ...sound }, problems };
}

/** What does not pass its check is no option that was not given: it stays away. */
function withPlaceDefaults(
  definition: SoundDefinition,
  { balancers, brokerMemory }: PlaceDefaults,
  problems: readonly Problem[],
): SoundDefinition {
  return {
    ...definition,
    balancer: withReplicas(definition.balancer, balancers, problems),
    broker: withDefaults(definition.broker, brokerMemory === undefined ? {} : { memory: brokerMemory }),
  };
}

/** @param problems Of the balancer: a wrong number is none that was not given. */
export function withReplicas<B extends { readonly kind?: string } | undefined>(
  balancer: B,
  replicas: number,
  problems: readonly Problem[],
): B {
  return balancer?.kind === "none" || problems.some(({ path }) => path === "balancer.replicas")
    ? balancer
    : (withDefaults(balancer as object, { replicas }) as B);
}

function withSecretNames(definition: SoundDefinition): SoundDefinition {
  const { name = "", broker, sessionStore } = definition;
  return {
    ...definition,
    broker: withDefaults(broker, {
      ...(broker?.kind === "emqx" && {
        clusterName: name.replaceAll("-", "_"),
        dashboardPassword: namedSecret(name, "dashboard_password"),
      }),
      nodeCookie: namedSecret(name, "node_cookie"),
    }),
    sessionStore:
      sessionStore?.kind === "builtIn"
        ? sessionStore
        : withDefaults(sessionStore, sessionStore?.kind === "redis" ? redisSecrets(name) : existingRedisSecrets(name)),
  };
}

/** Like a spread, except that an option given as undefined counts as not given. */
export function withDefaults<T extends object>(value: T | undefined, defaults: object): T | undefined {
  const given = Object.entries(value ?? {}).filter(([, inner]) => inner !== undefined);
  return value && ({ ...defaults, ...Object.fromEntries(given) } as T);
}
