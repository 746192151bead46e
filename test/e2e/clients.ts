import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { connectPatiently, type MqttClients } from "../support/mqtt";
import { until } from "../support/servers";
import { BACKEND, SENSORS } from "./cluster";
import { end } from "./failures";

/** Expects RabbitMQ to let in whom the definition names, to what it says. */
export async function expectOnlyNamedUsers(mqtt: MqttClients): Promise<void> {
  expect(await mqtt.refusal({ username: "sensors", password: "wrong" })).toMatch(/not authorized|bad user ?name/i);
  expect(await mqtt.refusal({})).toMatch(/not authorized|bad user ?name/i);
  expect(await mqtt.refusal(SENSORS)).toBe("accepted");
  const sensor = await mqtt.connect(SENSORS);
  const [grant] = await sensor.subscribeAsync("sensors/#").catch(() => [{ qos: 128 }]);
  expect(grant.qos).toBe(128);
  // Or it would try again for ever.
  await sensor.endAsync(true);
}

/** More subscribers than brokers: some on each. */
export async function expectToReachEverybody(mqtt: MqttClients): Promise<void> {
  const subscribers = await Promise.all(Array.from({ length: 6 }, () => mqtt.connect(BACKEND)));
  const received = new Set<MqttClient>();
  for (const subscriber of subscribers) {
    subscriber.on("message", () => received.add(subscriber));
    await subscriber.subscribeAsync("sensors/sensors/cross", { qos: 1 });
  }
  const publisher = await mqtt.connect(SENSORS);
  await publisher.publishAsync("sensors/sensors/cross", "hello", { qos: 1 });
  await until("every subscriber has the message", () => received.size === subscribers.length);
  await end([...subscribers, publisher]);
}

/** Leaves a message for a client that is away. */
export async function queueMessage(mqtt: MqttClients, clientId: string): Promise<QueuedMessage> {
  const topic = `sensors/sensors/${clientId}`;
  const session = { ...BACKEND, clientId, clean: false };
  const away = await mqtt.connect(session);
  await away.subscribeAsync(topic, { qos: 1 });
  await away.endAsync();
  const publisher = await mqtt.connect(SENSORS);
  await publisher.publishAsync(topic, "kept", { qos: 1 });
  await publisher.endAsync();
  return new QueuedMessage(mqtt.address, session);
}

class QueuedMessage {
  public constructor(
    private readonly url: string,
    private readonly session: IClientOptions,
  ) {}

  /** What the client gets when it is back; its session is removed. */
  public async delivered(): Promise<string[]> {
    const received: string[] = [];
    // Not connectPatiently: a message may come before anybody listens.
    const back = connect(this.url, { ...this.session, reconnectPeriod: 200, reconnectOnConnackError: true });
    back.on("message", (_topic, message) => received.push(`${message}`));
    await until("what was queued arrives", () => received.length > 0, 30_000);
    await back.endAsync();
    await (await connectPatiently(this.url, { ...this.session, clean: true })).endAsync();
    return received;
  }
}
