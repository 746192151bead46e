import { randomBytes } from "node:crypto";
import type { IClientOptions, MqttClient } from "mqtt";
import { connectPatiently } from "../support/mqtt";
import { until } from "../support/servers";
import { BACKEND, SENSORS } from "./cluster";

/** A publisher sends no more while so many of its messages wait for their acknowledgement. */
const MOST_UNACKNOWLEDGED = 30;

const CLIENT: IClientOptions = {
  keepalive: 5,
  reconnectPeriod: 200,
  connectTimeout: 3_000,
};

export interface TrafficProps {
  readonly url: string;
  readonly publishers?: number;
  readonly subscribers?: number;
  readonly messagesPerSecond?: number;
  readonly publisher?: IClientOptions;
  readonly subscriber?: IClientOptions;
  /** Messages are published below it. */
  readonly topic?: string;
}

export interface TrafficFigures {
  readonly published: number;
  readonly acknowledged: number;
  /** Messages that were acknowledged to their publisher and did not reach every subscriber. */
  readonly lost: readonly string[];
  readonly duplicates: number;
  readonly reconnects: number;
  /** Times that a subscriber found no session where it had left one. */
  readonly sessionsLost: number;
  /** The longest that a publisher waited for an acknowledgement, in seconds. */
  readonly longestWait: number;
  /** How long all acknowledgements and messages took to arrive after the last one was published, in seconds. */
  readonly drained: number;
}

/** Steady QoS 1 traffic. Every message is numbered, and followed from its publisher to every subscriber. */
export class Traffic {
  public static async start(props: TrafficProps): Promise<Traffic> {
    const traffic = new Traffic(props);
    await traffic.connect();
    return traffic;
  }

  private readonly run = randomBytes(3).toString("hex");
  private readonly clients: MqttClient[] = [];
  private readonly subscribers: MqttClient[] = [];
  /** By subscriber: how often each message came. */
  private readonly received: Map<string, number>[] = [];
  private readonly acknowledged = new Set<string>();
  private published = 0;
  private longestWait = 0;
  private reconnects = 0;
  private sessionsLost = 0;
  private readonly timers: NodeJS.Timeout[] = [];

  private constructor(private readonly props: TrafficProps) {}

  /** Publishes no more, waits until what is on its way has arrived, and says what became of every message. */
  public async stop(): Promise<TrafficFigures> {
    for (const timer of this.timers) {
      clearInterval(timer);
    }
    const stopped = Date.now();
    await until("every message is acknowledged", () => this.acknowledged.size === this.published, 60_000).catch(
      () => {},
    );
    await until("every acknowledged message has arrived", () => this.lost().length === 0, 30_000).catch(() => {});
    const drained = (Date.now() - stopped) / 1000;
    await this.leave();
    return {
      published: this.published,
      acknowledged: this.acknowledged.size,
      lost: this.lost(),
      duplicates: this.received
        .flatMap((messages) => [...messages.values()])
        .reduce((sum, times) => sum + times - 1, 0),
      reconnects: this.reconnects,
      sessionsLost: this.sessionsLost,
      longestWait: this.longestWait / 1000,
      drained,
    };
  }

  private async connect(): Promise<void> {
    const { publishers = 10, subscribers = 2, messagesPerSecond = 50 } = this.props;
    for (let index = 0; index < subscribers; index++) {
      this.subscribers.push(await this.subscriber(index));
    }
    for (let index = 0; index < publishers; index++) {
      await this.publisher(index, (1000 * publishers) / messagesPerSecond);
    }
  }

  private async client(options: IClientOptions): Promise<MqttClient> {
    const client = await connectPatiently(this.props.url, { ...CLIENT, ...options });
    client.on("connect", () => {
      this.reconnects += 1;
    });
    this.clients.push(client);
    return client;
  }

  /** With a session that outlives its connections. It subscribes again only where its session is gone. */
  private async subscriber(index: number): Promise<MqttClient> {
    const messages = new Map<string, number>();
    this.received.push(messages);
    const client = await this.client({
      ...(this.props.subscriber ?? BACKEND),
      clientId: this.subscriberId(index),
      clean: false,
      resubscribe: false,
    });
    client.on("message", (_, payload) => {
      const message = payload.toString();
      messages.set(message, (messages.get(message) ?? 0) + 1);
    });
    client.on("connect", ({ sessionPresent }) => {
      if (!sessionPresent) {
        this.sessionsLost += 1;
        client.subscribe(this.filter, { qos: 1 });
      }
    });
    await client.subscribeAsync(this.filter, { qos: 1 });
    return client;
  }

  private async publisher(index: number, everyMs: number): Promise<void> {
    const client = await this.client({
      ...(this.props.publisher ?? SENSORS),
      clientId: `traffic-${this.run}-publisher-${index}`,
    });
    let count = 0;
    let waiting = 0;
    const publish = () => {
      if (waiting >= MOST_UNACKNOWLEDGED) {
        return;
      }
      const message = `${index}:${count++}`;
      const sent = Date.now();
      this.published += 1;
      waiting += 1;
      client.publish(`${this.topic}/${index}`, message, { qos: 1 }, (error) => {
        waiting -= 1;
        if (!error) {
          this.acknowledged.add(message);
          this.longestWait = Math.max(this.longestWait, Date.now() - sent);
        }
      });
    };
    this.timers.push(setInterval(publish, everyMs));
  }

  private lost(): string[] {
    return [...this.acknowledged].filter((message) => this.received.some((messages) => !messages.has(message)));
  }

  /** Leaves no session behind. */
  private async leave(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.endAsync(true)));
    const options = { ...CLIENT, ...(this.props.subscriber ?? BACKEND), clean: true };
    for (const index of this.subscribers.keys()) {
      await (await connectPatiently(this.props.url, { ...options, clientId: this.subscriberId(index) })).endAsync();
    }
  }

  private subscriberId(index: number): string {
    return `traffic-${this.run}-subscriber-${index}`;
  }

  private get topic(): string {
    return `${this.props.topic ?? "sensors/sensors"}/${this.run}`;
  }

  private get filter(): string {
    return `${this.topic}/#`;
  }
}
