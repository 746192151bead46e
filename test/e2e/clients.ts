import type { MqttClient } from "mqtt";
import type { MqttClients } from "../support/mqtt";
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
  await until("every subscriber has the message", () => received.size === subscribers.length, 5_000);
  await end([...subscribers, publisher]);
}
