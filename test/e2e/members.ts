import { connect } from "node:net";
import { type IClientOptions, MqttClient } from "mqtt";
import { isLetIn } from "../support/mqtt";
import { BACKEND } from "./cluster";

const MQTT_PORT = 1883;
const METRICS_PORT = 15692;
/**
 * A broker that refuses is away at once; a silent one when two of the three checks would have failed after which balancers give
 * it up, 3 s each. With less, machines that run many brokers at a time count as away whoever waits for their disc.
 */
const PATIENCE_MS = 6_000;
const EVERY_MS = 300;

export interface Watched {
  readonly name: string;
  /** Asked for again each time; absent while it has none. */
  readonly address?: string;
  /** Where it shows its ports under other numbers. */
  readonly mqttPort?: number;
  readonly metricsPort?: number;
}

export interface MemberFigures {
  /** Questions that each broker was asked, per second: how fine the figures are. */
  readonly asksPerSecond: number;
  /** The smallest number of brokers that were members of one cluster, and let clients in, at the same time. */
  readonly fewest: number;
  /** What changed, in the order in which it was seen: `12.3 s: broker-1, broker-3`. */
  readonly log: readonly string[];
}

/**
 * Asks every broker, past the balancers, whether it lets a client in and which cluster it is in. Members are those of the
 * largest group that name the same cluster: an empty node that serves alone is none.
 */
export class MemberWatch {
  public static async start(brokers: readonly Watched[], client: IClientOptions = BACKEND): Promise<MemberWatch> {
    const watch = new MemberWatch(brokers, client);
    await Promise.all(brokers.map((broker) => watch.ask(broker)));
    watch.begin();
    return watch;
  }

  private readonly clusters = new Map<string, string>();
  private readonly pending = new Set<Watched>();
  private readonly log: string[] = [];
  private timer?: NodeJS.Timeout;
  private started = 0;
  private asked = 0;
  private fewest = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly brokers: readonly Watched[],
    private readonly client: IClientOptions,
  ) {}

  public stop(): MemberFigures {
    clearInterval(this.timer);
    const seconds = (Date.now() - this.started) / 1000;
    return { asksPerSecond: this.asked / this.brokers.length / seconds, fewest: this.fewest, log: this.log };
  }

  private begin(): void {
    this.asked = 0;
    this.started = Date.now();
    this.note();
    this.timer = setInterval(() => {
      for (const broker of this.brokers.filter((candidate) => !this.pending.has(candidate))) {
        this.ask(broker);
      }
    }, EVERY_MS);
  }

  private async ask(broker: Watched): Promise<void> {
    this.pending.add(broker);
    const { address, mqttPort, metricsPort } = broker;
    const [cluster, letsIn] = address
      ? await Promise.all([clusterOf(address, metricsPort), isLetIn(pastBalancers(address, this.client, mqttPort))])
      : [];
    this.pending.delete(broker);
    this.asked += 1;
    const before = this.clusters.get(broker.name);
    this.clusters.set(broker.name, letsIn && cluster ? cluster : "");
    if (this.timer && before !== this.clusters.get(broker.name)) {
      this.note();
    }
  }

  private note(): void {
    const members = this.members();
    this.fewest = Math.min(this.fewest, members.length);
    this.log.push(`${((Date.now() - this.started) / 1000).toFixed(1)} s: ${members.join(", ") || "none"}`);
  }

  private members(): string[] {
    const groups = new Map<string, string[]>();
    for (const [name, cluster] of [...this.clusters].sort()) {
      if (cluster) {
        groups.set(cluster, [...(groups.get(cluster) ?? []), name]);
      }
    }
    return [...groups.values()].sort((left, right) => right.length - left.length)[0] ?? [];
  }
}

async function clusterOf(address: string, port = METRICS_PORT): Promise<string | undefined> {
  try {
    const url = `http://${address}:${port}/metrics/detailed?family=vhost_status`;
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return /rabbitmq_cluster_permanent_id="([^"]+)"/.exec(await response.text())?.[1];
  } catch {
    return undefined;
  }
}

/** A client of one broker, which comes in the PROXY header that a listener behind a balancer insists on. */
export function pastBalancers(address: string, options: IClientOptions, port = MQTT_PORT): MqttClient {
  const proxied = () => {
    const socket = connect(port, address);
    socket.write(`PROXY TCP4 127.0.0.1 ${address} 1 ${port}\r\n`);
    return socket;
  };
  return new MqttClient(proxied, { ...options, reconnectPeriod: 0, connectTimeout: PATIENCE_MS });
}

/** The members that a broker counts as running, and all that it has not forgotten. */
export interface CountedMembers {
  readonly running: readonly string[];
  readonly known: readonly string[];
}

/** @param clusterStatus What `rabbitmqctl cluster_status` printed, as JSON. */
export function countedMembers(clusterStatus: string): CountedMembers {
  const { running_nodes, disk_nodes } = JSON.parse(clusterStatus.slice(clusterStatus.indexOf("{")));
  return { running: hosts(running_nodes), known: hosts(disk_nodes) };
}

function hosts(nodes: readonly string[]): string[] {
  return nodes.map((node) => node.replace(/^rabbit@/, "")).sort();
}
