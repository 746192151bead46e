import type { TerraformStack } from "cdktf";
import { Balancer, Broker, RedisSessionStore, Secret, Target } from "../../../src";
import { BACKEND, deployOn, SENSORS } from "../cluster";
import { type CountedMembers, countedMembers } from "../members";
import { BED, HOSTS, type Host, lacks, ownAddress } from "./hosts";

export const WEBHOOK_PORT = 9097;
export const STACK = "vms";
const CLUSTER = "vms-mqtt";
const SESSIONS = "vms-sessions";

/** The hosts' alone: Terraform is not told. */
const BACKEND_PASSWORD_FILE = "/etc/mqtt-cluster-e2e.password";

export const VARIABLES = {
  sensors_password: SENSORS.password,
  vms_mqtt_node_cookie: "PlantedCookie0123456789",
  vms_sessions_redis_admin_password: "PlantedRedisAdmin012",
  vms_sessions_redis_writer_password: "PlantedRedisWriter01",
  vms_sessions_redis_access_password: "PlantedRedisAccess01",
  vms_sessions_redis_monitor_password: "PlantedRedisMonitor0",
};
export const SECRETS = { ...VARIABLES, backend_password: BACKEND.password };

/** Hosts for five brokers, two balancers, and one for Redis, Prometheus and Alertmanager. */
export const HOSTS_NEEDED = 8;
export const BROKER_HOSTS = HOSTS.slice(0, 5);
export const BALANCER_HOSTS = HOSTS.slice(5, lacks("virtualAddress") ? 6 : 7);
const OTHERS_HOST = HOSTS[7];

export const virtualAddress = BED.virtualAddress
  ? { address: BED.virtualAddress, interface: BED.interface }
  : undefined;

/** Where clients connect. */
export const CLIENTS_ADDRESS = BED.virtualAddress?.split("/")[0] ?? BALANCER_HOSTS[0]?.address;
export const CLIENTS_URL = `mqtt://${CLIENTS_ADDRESS}:1883`;

export interface Variant {
  /** Numbers of the brokers. */
  readonly brokers?: readonly number[];
  /** In rabbitmq.conf: a change restarts every broker. */
  readonly maxInflight?: number;
  /** In haproxy.cfg only: a change reloads every balancer. */
  readonly drainTimeout?: string;
}

/** The definition in one of its variants, on the hosts of the bed. */
export function cluster({ brokers = [1, 2, 3], maxInflight = 20, drainTimeout = "15m" }: Variant = {}) {
  return (stack: TerraformStack) => {
    const ssh = { user: BED.user, privateKeyFile: BED.key };
    const onHost = ({ address, hostKey }: Host) => ({ address, hostKey });
    const numbered = (role: string, numbers: readonly number[], hosts: readonly Host[]) =>
      Object.fromEntries(numbers.map((number) => [`${role}-${number}`, onHost(hosts[number - 1])]));
    new RedisSessionStore(stack, "sessions", {
      redis: { memory: "64MB" },
      target: Target.vms({ ssh, sessionStore: onHost(OTHERS_HOST) }),
    });
    const balancers = BALANCER_HOSTS.map((_, index) => index + 1);
    const target = Target.vms({
      ssh,
      brokers: numbered("broker", brokers, BROKER_HOSTS),
      balancers: numbered("balancer", balancers, BALANCER_HOSTS),
      monitoring: onHost(OTHERS_HOST),
      virtualAddress,
    });
    const parts = {
      broker: Broker.rabbitmq({ version: "3.10", nodes: brokers.length, mqtt: { maxInflight } }),
      balancer: Balancer.haproxy({ replicas: balancers.length, drainTimeout }),
      backendPassword: Secret.file(BACKEND_PASSWORD_FILE),
    };
    deployOn(target, stack, parts, { webhook: `http://${ownAddress()}:${WEBHOOK_PORT}/alerts` });
  };
}

export async function plantBackendPassword(): Promise<void> {
  // In a form that is not recognised in sudo's log, which is searched for it.
  const encoded = Buffer.from(`${BACKEND.password}\n`).toString("base64");
  const plant = `umask 077; echo ${encoded} | base64 -d >${BACKEND_PASSWORD_FILE}`;
  await Promise.all(BROKER_HOSTS.map((host) => host.run(plant)));
}

export async function removeBackendPassword(): Promise<void> {
  await Promise.all(BROKER_HOSTS.map((host) => host.run(`rm -f ${BACKEND_PASSWORD_FILE}`)));
}

/** An instance of the cluster on its host, as an operator meets it. */
export class Placed {
  public constructor(
    public readonly name: string,
    public readonly host: Host,
    private readonly deployment = CLUSTER,
  ) {}

  public get address(): string {
    return this.host.address;
  }

  public get unit(): string {
    return `${this.deployment}-${this.name}.service`;
  }

  /** Changes with every restart of the program, and not with a reload. */
  public startedAs(): Promise<string> {
    return this.host.run(`systemctl show ${this.unit} -p MainPID -p ActiveEnterTimestampMonotonic`);
  }

  public signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<string> {
    return this.host.run(`systemctl kill --signal=${signal} ${this.unit}`);
  }

  /** The command that the deployment leaves on the host for operators. */
  public operate(command: string): Promise<string> {
    return this.host.run(`/usr/local/lib/mqtt-cluster/${this.deployment}/${this.name} ${command}`);
  }

  public async isHealthy(): Promise<boolean> {
    const command = `/usr/local/lib/mqtt-cluster/${this.deployment}/${this.name} healthy`;
    return (await this.host.attempt(command)).status === 0;
  }
}

export const broker = (number: number) => new Placed(`broker-${number}`, BROKER_HOSTS[number - 1]);
export const brokers = (...numbers: number[]) => numbers.map(broker);
export const balancers = () => BALANCER_HOSTS.map((host, index) => new Placed(`balancer-${index + 1}`, host));
export const prometheus = () => new Placed("prometheus", OTHERS_HOST);
export const sessionStore = () => new Placed("session-store", OTHERS_HOST, SESSIONS);

/** Every instance beside the brokers. */
export const bystanders = () => [...balancers(), prometheus(), new Placed("alertmanager", OTHERS_HOST), sessionStore()];

/** What each of them counts as the cluster: its running members, and all that it has not forgotten. */
export async function membersSeenBy(placed: readonly Placed[]): Promise<Record<string, CountedMembers>> {
  const seen = placed.map(async (one) => {
    const output = await one.operate("exec /usr/lib/rabbitmq/bin/rabbitmqctl -q --formatter json cluster_status");
    return [one.name, countedMembers(output)];
  });
  return Object.fromEntries(await Promise.all(seen));
}

/** The same, if all is well. */
export function allSeenByAll(placed: readonly Placed[]): Record<string, CountedMembers> {
  const all = placed.map(({ address }) => address).sort();
  return Object.fromEntries(placed.map(({ name }) => [name, { running: all, known: all }]));
}
