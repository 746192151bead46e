import { setTimeout as wait } from "node:timers/promises";
import type { MqttClient } from "mqtt";
import { type MqttClients, outage } from "../support/mqtt";
import { BACKEND } from "./cluster";
import { report } from "./support";

const KEEPALIVE_SECONDS = 5;
/** Clients look every half keepalive whether they have heard nothing for one and a half. */
const NOTICE_MS = 2 * KEEPALIVE_SECONDS * 1_000;

export function crowd(mqtt: MqttClients): Promise<MqttClient[]> {
  return Promise.all(Array.from({ length: 30 }, () => mqtt.connect({ ...BACKEND, keepalive: KEEPALIVE_SECONDS })));
}

/** Without a farewell, whose answer might never come. */
export function end(clients: readonly MqttClient[]): Promise<unknown> {
  return Promise.all(clients.map((client) => client.endAsync(true)));
}

export interface Failure {
  fail(): Promise<unknown>;
  /** Ends it, when the clients are back or were waited for in vain: what fails and is still there answers nobody. */
  mend?(): Promise<unknown>;
}

/** Lets something fail under the feet of 30 clients, and expects them back in time. */
export async function failure(mqtt: MqttClients, what: string, { fail, mend }: Failure, withinSeconds: number) {
  const clients = await crowd(mqtt);
  try {
    const { lost, seconds } = await outage(clients, fail, mend && NOTICE_MS);
    report(`${what}: last of ${lost} lost clients back after`, seconds);
    expect(seconds).toBeLessThan(withinSeconds);
  } finally {
    await mend?.();
    await end(clients);
  }
}

/** Clients under whose feet nothing should fail. */
export async function keepConnected(mqtt: MqttClients): Promise<{ lost(): Promise<number> }> {
  const clients = await crowd(mqtt);
  let lost = 0;
  for (const client of clients) {
    client.on("close", () => lost++);
  }
  return {
    /** How many were cut off; sends the rest home. */
    async lost() {
      // A cut connection would show at the next ping.
      await wait(3_000);
      const cut = lost;
      await end(clients);
      return cut;
    },
  };
}
