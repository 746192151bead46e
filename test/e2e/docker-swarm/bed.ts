import { Service } from "@cdktf/provider-docker/lib/service";
import type { TerraformStack } from "cdktf";
import { Balancer, Broker, type SwarmHostProps, Target } from "../../../src";
import { BACKEND, deployOn, SENSORS } from "../cluster";
import { type CountedMembers, countedMembers, type Watched } from "../members";
import { searchFor } from "../planted";
import { ownAddressTowards } from "../support";
import { engineSocket, HOSTS, type Host, host } from "./hosts";

export const WEBHOOK_PORT = 9095;
export const STACK = "swarm";
export const CLUSTER = `${STACK}-mqtt`;

export const VARIABLES = {
  sensors_password: SENSORS.password,
  backend_password: BACKEND.password,
  swarm_mqtt_node_cookie: "PlantedCookie0123456789",
};
/** The names of those secrets whose values a text holds, as they are or encoded. */
export const plantedIn = searchFor({
  ...VARIABLES,
  ...Object.fromEntries(
    Object.entries(VARIABLES).map(([name, value]) => [`${name}, encoded`, Buffer.from(value).toString("base64")]),
  ),
});

/** Ports that brokers and balancers show to the suite, and to nobody else's deployment. */
const SHOWN = { mqtt: 21883, metrics: 25692, balancerMetrics: 8405 };

/** Of the image at hand, if it is made otherwise than the official one. */
const RABBITMQ_USER = Number(process.env.E2E_SWARM_RABBITMQ_USER) || undefined;

export interface Variant {
  /** Numbers of the hosts, by number of the broker: `{ 1: 1, 2: 2, 3: 3 }`. */
  readonly brokers?: Readonly<Record<number, number>>;
  /** How the hosts of brokers are named. */
  readonly named?: (host: Host) => SwarmHostProps;
  /** In rabbitmq.conf: a change restarts every broker. */
  readonly maxInflight?: number;
}

export const THREE: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3 };
export const FIVE = { ...THREE, 4: 4, 5: 5 };
/** Hosts of the two balancers. */
export const BALANCERS = [1, 2];
const MONITORING = 5;

export function onHost({ name, address }: Host): SwarmHostProps {
  return { constraint: `node.hostname==${name}`, address };
}

/** What every target of the suites has. */
export function swarm() {
  return {
    host: host(1).engine,
    engineSocket,
    userIds: RABBITMQ_USER ? { rabbitmq: RABBITMQ_USER } : undefined,
  };
}

/** The definition in one of its variants. */
export function cluster({ brokers = THREE, named = onHost, maxInflight = 20 }: Variant = {}) {
  return (stack: TerraformStack) => {
    const hostsOf = (role: string, numbers: Readonly<Record<number, number>>, on = onHost) =>
      Object.fromEntries(Object.entries(numbers).map(([number, at]) => [`${role}-${number}`, on(host(at))]));
    const target = Target.dockerSwarm({
      ...swarm(),
      brokers: hostsOf("broker", brokers, named),
      balancers: hostsOf("balancer", Object.fromEntries(BALANCERS.map((on, index) => [index + 1, on]))),
      monitoring: onHost(host(MONITORING)),
    });
    const parts = {
      broker: Broker.rabbitmq({ version: "3.10", nodes: Object.keys(brokers).length, mqtt: { maxInflight } }),
      balancer: Balancer.haproxy({ version: "2.6", replicas: BALANCERS.length }),
    };
    const { node } = deployOn(target, stack, parts, {
      webhook: `http://${ownAddressTowards(host(1).address)}:${WEBHOOK_PORT}/alerts`,
      version: "2.42.0",
      alertmanagerVersion: "0.25.0",
    });
    for (const service of node.findAll().filter((child): child is Service => child instanceof Service)) {
      show(service);
    }
  };
}

/** So that the suite sees brokers past their balancers. */
function show(service: Service): void {
  const port = (targetPort: number, publishedPort = targetPort) => ({
    targetPort,
    publishedPort,
    publishMode: "host",
    protocol: "tcp",
  });
  const ports: Record<string, ReturnType<typeof port>[]> = {
    broker: [port(1883, SHOWN.mqtt), port(15692, SHOWN.metrics)],
    balancer: [port(1883), port(8083), port(SHOWN.balancerMetrics)],
  };
  const shown = ports[service.node.id.replace(/-\d$/, "")];
  if (shown) {
    service.putEndpointSpec({ mode: "dnsrr", ports: shown });
  }
}

export const clientsUrl = (balancer = 0) => `mqtt://${host(BALANCERS[balancer])?.address}:1883`;

/** An instance, and the container that runs it now. */
export class Placed {
  public readonly service: string;

  public constructor(
    public readonly name: string,
    public readonly host: Host,
    deployed = CLUSTER,
  ) {
    this.service = `${deployed}-${name}`;
  }

  public async container(): Promise<string | undefined> {
    const filter = `label=com.docker.swarm.service.name=${this.service}`;
    const [id] = await this.host.lines("ps", "-q", "--no-trunc", "--filter", filter);
    return id;
  }

  public async isHealthy(): Promise<boolean> {
    const filter = ["--filter", `label=com.docker.swarm.service.name=${this.service}`, "--filter", "health=healthy"];
    return (await this.host.lines("ps", "-q", ...filter).catch(() => [])).length === 1;
  }

  /** Runs a command beside the program. */
  public async run(...command: string[]): Promise<string> {
    return this.host.docker("exec", (await this.container()) ?? this.name, ...command);
  }
}

/** A broker on a host of its own. */
export class PlacedBroker extends Placed implements Watched {
  public readonly mqttPort = SHOWN.mqtt;
  public readonly metricsPort = SHOWN.metrics;

  public get address(): string {
    return this.host.address;
  }

  public async members(): Promise<CountedMembers> {
    const { running, known } = countedMembers(
      // Debian's wrapper, found first elsewhere, lets one user in by name only.
      await this.run("sh", "-c", 'PATH="/usr/lib/rabbitmq/bin:$PATH" rabbitmqctl -q --formatter json cluster_status'),
    );
    const names = (hosts: readonly string[]) => hosts.map((name) => name.replace(`.${CLUSTER}.internal`, ""));
    return { running: names(running), known: names(known) };
  }
}

export function brokersOn(numbers: Readonly<Record<number, number>>): PlacedBroker[] {
  return Object.entries(numbers).map(([number, on]) => new PlacedBroker(`broker-${number}`, host(on)));
}

export function balancers(): Placed[] {
  return BALANCERS.map((on, index) => new Placed(`balancer-${index + 1}`, host(on)));
}

export function monitoring(): Placed[] {
  return ["prometheus", "alertmanager"].map((name) => new Placed(name, host(MONITORING)));
}

/** What is left of a deployment on any host, or in the swarm. */
export async function remains(deployed = CLUSTER): Promise<string[]> {
  const label = ["--filter", `label=mqtt-cluster.name=${deployed}`];
  const named = ["--filter", `name=${deployed}`];
  const manager = host(1);
  const [services, jobs, configs, secrets, networks] = await Promise.all([
    manager.lines("service", "ls", "--format", "service {{.Name}}", ...label),
    manager.lines("service", "ls", "--format", "job {{.Name}}", "--filter", "label=mqtt-cluster.job"),
    manager.lines("config", "ls", "--format", "config {{.Name}}", ...named),
    manager.lines("secret", "ls", "--format", "secret {{.Name}}", ...named),
    manager.lines("network", "ls", "--format", "network {{.Name}}", ...label),
  ]);
  const onHosts = HOSTS.map(async (one) => [
    ...(await one.lines("ps", "-a", "--format", `container {{.Names}} on ${one.name}`, ...label)),
    ...(await one.lines("volume", "ls", "--format", `volume {{.Name}} on ${one.name}`, ...named)),
  ]);
  return [...services, ...jobs, ...configs, ...secrets, ...networks, ...(await Promise.all(onHosts)).flat()];
}
