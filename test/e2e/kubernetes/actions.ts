import { until } from "../../support/servers";
import { poolOf } from "../questions";
import {
  allSeenByAll,
  BARE,
  brokers,
  CLUSTER,
  membersSeenBy,
  NAMESPACE,
  nodes,
  type PlacedBroker,
  PODS,
  SESSIONS,
} from "./bed";
import { BED } from "./kubectl";
import { type Component, isReady, type Pod, startsOf } from "./pods";

const HAPROXY_METRICS = 8405;

export async function startOf(...components: Component[]): Promise<Record<string, string>> {
  await PODS.refresh();
  return startsOf(components.flatMap((component) => PODS.of(CLUSTER, component)));
}

/** Names of pods that are there no more, or whose programs were started again. */
export async function restartedSince(before: Record<string, string>): Promise<string[]> {
  await PODS.refresh();
  const after = startsOf(PODS.of(CLUSTER));
  return Object.keys(before)
    .filter((name) => before[name] !== after[name])
    .sort();
}

export async function expectMembers(placed: readonly PlacedBroker[]): Promise<void> {
  expect(await membersSeenBy(placed)).toEqual(allSeenByAll(placed));
}

/** Kubelets look for changed files in their own time. */
export async function untilInPool(placed: readonly PlacedBroker[]): Promise<void> {
  const names = placed.map(({ name }) => name).join();
  await until(
    `every balancer sends clients to ${names}`,
    async () => {
      const pools = await Promise.all(PODS.of(CLUSTER, "balancer").map(({ status }) => poolOf(status.podIP as string)));
      return pools.length === 2 && pools.every((pool) => pool.join() === names);
    },
    150_000,
  );
}

async function untilMembers(placed: readonly PlacedBroker[]): Promise<void> {
  const all = JSON.stringify(allSeenByAll(placed));
  await until(
    "every broker is a member again",
    async () => JSON.stringify(await membersSeenBy(placed)) === all,
    120_000,
  );
}

/** Every pod of every cluster is ready, and brokers are members for each other and up for the balancers. */
export async function untilAllIsWell(): Promise<void> {
  const expected = 3 + 2 + 1 + 1 + 1 + (BED.compares ? 3 : 0);
  await until(
    "every pod is ready",
    () => {
      const pods = [CLUSTER, SESSIONS, BARE].flatMap((deployed) => PODS.of(deployed));
      return pods.filter(isReady).length >= expected && pods.every(isReady);
    },
    180_000,
  );
  await untilInPool(brokers(3));
  await untilMembers(brokers(3));
  if (BED.compares) {
    await untilMembers(brokers(3, BARE));
  }
}

/** A node that runs a broker, and balancers or none. */
export function nodeWith(balancers: "balancer" | "no balancer"): string {
  const nodesOf = (component: Component) => PODS.of(CLUSTER, component).map(({ spec }) => spec.nodeName);
  const found = nodes().find(
    (node) => nodesOf("broker").includes(node) && nodesOf("balancer").includes(node) === (balancers === "balancer"),
  );
  if (!found) {
    throw new Error(`no node has a broker and ${balancers}`);
  }
  return found;
}

/** When the workers that now serve were started: anew with every reload. */
export async function haproxyWorkers(): Promise<Record<string, string>> {
  const starts = PODS.of(CLUSTER, "balancer").map(async ({ metadata, status }) => {
    const metrics = await (await fetch(`http://${status.podIP}:${HAPROXY_METRICS}/metrics`)).text();
    return [metadata.name, /^haproxy_process_start_time_seconds (\S+)$/m.exec(metrics)?.[1] ?? ""];
  });
  return Object.fromEntries(await Promise.all(starts));
}

export async function haproxyConfigs(): Promise<string[]> {
  return Promise.all(
    PODS.of(CLUSTER, "balancer").map(({ metadata }) =>
      NAMESPACE.kubectl(...["exec", metadata.name, "-c", "haproxy", "--", "cat", "/etc/haproxy/haproxy.cfg"]),
    ),
  );
}

/** Containers that lack a part of what makes them harmless, with what they lack. */
export function unhardened(pods: readonly Pod[]): string[] {
  return pods.flatMap(({ metadata, spec }) =>
    [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name, securityContext = {}, resources }) => {
      const has = {
        runAsNonRoot: securityContext.runAsNonRoot === true,
        readOnlyRootFilesystem: securityContext.readOnlyRootFilesystem === true,
        noEscalation: securityContext.allowPrivilegeEscalation === false,
        dropAll: securityContext.capabilities?.drop?.join() === "ALL" && !securityContext.capabilities.add,
        seccomp: (securityContext.seccompProfile ?? spec.securityContext?.seccompProfile)?.type === "RuntimeDefault",
        requests: resources?.requests?.cpu !== undefined && resources.requests.memory !== undefined,
        memoryLimit: resources?.limits?.memory !== undefined,
      };
      const lacks = Object.entries(has).flatMap(([part, isThere]) => (isThere ? [] : [part]));
      return lacks.length > 0 ? [`${metadata.name}, ${name}: ${lacks.join(", ")}`] : [];
    }),
  );
}

/** Components whose pods hold a token of the API server. */
export function componentsWithToken(pods: readonly Pod[]): string[] {
  const holders = pods.filter(({ spec }) =>
    spec.volumes?.some(({ projected }) => projected?.sources.some((source) => "serviceAccountToken" in source)),
  );
  return [...new Set(holders.map(({ metadata }) => metadata.labels["app.kubernetes.io/component"]))].sort();
}

/** An object of JSON without Kubernetes' secrets, which hold what they are made to hold. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((inner) => inner?.type !== "kubernetes_secret_v1").map(withoutSecrets);
  }
  return value !== null && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]))
    : value;
}
