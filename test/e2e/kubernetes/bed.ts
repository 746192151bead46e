import type { TerraformStack } from "cdktf";
import { Balancer, Broker, RedisSessionStore, Secret, Target } from "../../../src";
import { BACKEND, deployOn, SENSORS } from "../cluster";
import { type CountedMembers, countedMembers } from "../members";
import { searchFor } from "../planted";
import { ownAddressTowards } from "../support";
import { BED, read } from "./kubectl";
import { Namespace } from "./namespace";
import { type Pod, Pods } from "./pods";

export const WEBHOOK_PORT = 9096;
export const NAMESPACE = new Namespace("mqtt-e2e");
export const PODS = new Pods(NAMESPACE);

export const CLUSTER = "kube-mqtt";
export const SESSIONS = "kube-sessions";
/** Brokers alone, behind the clients' service itself. */
export const BARE = "bare-mqtt";

/** Kubernetes' alone: Terraform is told its name. */
export const BACKEND_PASSWORD = { secret: "mqtt-users", key: "backend" };

/** Of every stack of this suite. */
export const VARIABLES = {
  sensors_password: SENSORS.password,
  kube_mqtt_node_cookie: "PlantedCookie0123456789",
  kube_sessions_redis_admin_password: "PlantedRedisAdmin012",
  kube_sessions_redis_writer_password: "PlantedRedisWriter01",
  kube_sessions_redis_access_password: "PlantedRedisAccess01",
  kube_sessions_redis_monitor_password: "PlantedRedisMonitor0",
};
export const BARE_VARIABLES = {
  sensors_password: SENSORS.password,
  bare_mqtt_node_cookie: "PlantedBareCookie012345",
};
/** The names of those secrets whose values a text holds, as they are or as Kubernetes writes them down. */
export const plantedIn = searchFor({
  ...withEncoded({ ...VARIABLES, ...BARE_VARIABLES, backend_password: BACKEND.password }),
});
export const backendPasswordIn = searchFor(withEncoded({ backend_password: BACKEND.password }));

function withEncoded(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const encoded = Object.entries(secrets).map(([name, value]) => [
    `${name}, encoded`,
    Buffer.from(value).toString("base64"),
  ]);
  return { ...secrets, ...Object.fromEntries(encoded) };
}

export function backendPassword(namespace: Namespace): object {
  const { secret, key } = BACKEND_PASSWORD;
  const metadata = { name: secret, namespace: namespace.name };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { [key]: BACKEND.password } };
}

export interface Variant {
  readonly brokers?: number;
  /** In rabbitmq.conf: a change restarts every broker. */
  readonly maxInflight?: number;
  /** In haproxy.cfg only: a change reloads every balancer. */
  readonly drainTimeout?: string;
}

const PARTS = { backendPassword: Secret.kubernetes(BACKEND_PASSWORD.secret, BACKEND_PASSWORD.key) };

/** The definition in one of its variants. */
export function cluster(variant: Variant = {}) {
  return (stack: TerraformStack) => {
    new RedisSessionStore(stack, "sessions", { redis: { version: "7.0", memory: "64MB" }, target: target() });
    const { drainTimeout = "15m" } = variant;
    const parts = {
      ...PARTS,
      broker: rabbitmq(variant),
      balancer: Balancer.haproxy({ version: "2.6", replicas: 2, drainTimeout }),
    };
    deployOn(target(), stack, parts, {
      webhook: `http://${ownAddress}:${WEBHOOK_PORT}/alerts`,
      version: "2.42.0",
      alertmanagerVersion: "0.25.0",
    });
  };
}

export function bareCluster(stack: TerraformStack): void {
  deployOn(target(), stack, { ...PARTS, broker: rabbitmq({}), balancer: Balancer.none() });
}

function rabbitmq({ brokers = 3, maxInflight = 20 }: Variant): Broker {
  return Broker.rabbitmq({ version: "3.10", nodes: brokers, memory: "512MB", mqtt: { maxInflight } });
}

/** Small enough for eight brokers on a machine of two processors. */
function target(): Target {
  const programs = ["rabbitmq", "haproxy", "redis", "redis-exporter", "prometheus", "alertmanager"];
  return Target.kubernetes({
    namespace: NAMESPACE.name,
    kubeconfig: BED.kubeconfig,
    storage: { whenDestroyed: "delete" },
    resources: Object.fromEntries(programs.map((program) => [program, { cpuRequest: 0.05 }])),
    minReady: "5s",
    rolloutTimeout: "5m",
  });
}

let ownAddress = "";
let nodeNames: string[] = [];

/** Finds out what the definition and the steps must know of the cluster. */
export async function lookAround(): Promise<void> {
  const { items } = await read<{ items: KubernetesNode[] }>("nodes");
  nodeNames = items.map(({ metadata }) => metadata.name).sort();
  const [{ address }] = items[0].status.addresses.filter(({ type }) => type === "InternalIP");
  ownAddress = ownAddressTowards(address);
}

interface KubernetesNode {
  readonly metadata: { readonly name: string };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}

export const nodes = () => nodeNames;

const addresses = new Map<string, string>();

/** Of the service that clients connect to. */
export async function findClientsService(deployed: string): Promise<void> {
  const { spec } = await NAMESPACE.read<{ spec: { clusterIP: string } }>("service", `${deployed}-clients`);
  addresses.set(deployed, spec.clusterIP);
}

export const clientsAddress = (deployed = CLUSTER) => addresses.get(deployed) as string;
export const clientsUrl = (deployed = CLUSTER) => `mqtt://${clientsAddress(deployed)}:1883`;

/** A broker, whose pod is now this one and now that one. */
export class PlacedBroker {
  public readonly name: string;
  public readonly podName: string;

  public constructor(
    index: number,
    private readonly deployed: string,
  ) {
    this.name = `broker-${index}`;
    this.podName = `${deployed}-${this.name}`;
  }

  public get pod(): Pod | undefined {
    return PODS.named(this.podName);
  }

  public get address(): string | undefined {
    return this.pod?.status.podIP;
  }

  public get claim(): string {
    return `data-${this.podName}`;
  }

  /** Runs a command beside RabbitMQ. */
  public run(...command: string[]): Promise<string> {
    return NAMESPACE.kubectl("exec", this.podName, "-c", "rabbitmq", "--", ...command);
  }

  public async members(): Promise<CountedMembers> {
    const { running, known } = countedMembers(
      await // Debian's wrapper, found first elsewhere, lets one user in by name only.
      this.run("sh", "-c", 'PATH="/usr/lib/rabbitmq/bin:$PATH" rabbitmqctl -q --formatter json cluster_status'),
    );
    const suffix = `.${this.deployed}-broker.${NAMESPACE.name}.svc.cluster.local`;
    const podNames = (hosts: readonly string[]) => hosts.map((host) => host.replace(suffix, ""));
    return { running: podNames(running), known: podNames(known) };
  }
}

export function brokers(count: number, deployed = CLUSTER): PlacedBroker[] {
  return Array.from({ length: count }, (_, index) => new PlacedBroker(index, deployed));
}

/** What each counts as the cluster. */
export async function membersSeenBy(placed: readonly PlacedBroker[]): Promise<Record<string, CountedMembers>> {
  const seen = placed.map(async (one) => [one.podName, await one.members()]);
  return Object.fromEntries(await Promise.all(seen));
}

/** The same, if all is well. */
export function allSeenByAll(placed: readonly PlacedBroker[]): Record<string, CountedMembers> {
  const all = placed.map(({ podName }) => podName).sort();
  return Object.fromEntries(all.map((podName) => [podName, { running: all, known: all }]));
}
