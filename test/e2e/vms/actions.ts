import type { TerraformResource, TerraformStack } from "cdktf";
import type { MqttClient } from "mqtt";
import { type MqttClients, outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND } from "../cluster";
import { report } from "../support";
import { allSeenByAll, balancers, brokers, CLIENTS_ADDRESS, membersSeenBy, type Placed } from "./bed";

/** Of HAProxy. */
const METRICS_PORT = 8405;

/** When the programs were started, by instance. */
export async function startOf(...placed: Placed[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(placed.map(async (one) => [one.name, await one.startedAs()])));
}

export async function restartedSince(before: Record<string, string>): Promise<string[]> {
  const placed = [...brokers(1, 2, 3, 4, 5), ...balancers()].filter(({ name }) => name in before);
  const after = await startOf(...placed);
  return Object.keys(before).filter((name) => before[name] !== after[name]);
}

export function crowd(mqtt: MqttClients): Promise<MqttClient[]> {
  return Promise.all(Array.from({ length: 30 }, () => mqtt.connect({ ...BACKEND, keepalive: 5 })));
}

export function end(clients: readonly MqttClient[]): Promise<unknown> {
  return Promise.all(clients.map((client) => client.endAsync()));
}

/** Lets something fail under the feet of 30 clients, and expects them back in time. */
export async function failure(mqtt: MqttClients, what: string, fail: () => Promise<unknown>, withinSeconds: number) {
  const clients = await crowd(mqtt);
  const { lost, seconds } = await outage(clients, fail);
  report(`${what}: ${lost} of ${clients.length} clients lost, last one back after`, seconds);
  await end(clients);
  expect(seconds).toBeLessThan(withinSeconds);
}

export async function backAgain(...placed: Placed[]): Promise<void> {
  const all = JSON.stringify(allSeenByAll(placed));
  await until(
    "every broker is a member again",
    async () => JSON.stringify(await membersSeenBy(placed)) === all,
    180_000,
  );
}

/** Running members that a broker sees. */
export async function restOf(placed: Placed): Promise<readonly string[]> {
  const seen = (await membersSeenBy([placed])) as Record<string, { running: string[] }>;
  return seen[placed.name].running;
}

export async function expectInPool(...placed: Placed[]): Promise<void> {
  for (const { address } of balancers()) {
    const metrics = await (await fetch(`http://${address}:${METRICS_PORT}/metrics`)).text();
    const up = [...metrics.matchAll(/^haproxy_server_status\{proxy="mqtt-brokers",server="([^"]+)",state="UP"\} 1$/gm)];
    expect(up.map(([, name]) => name).sort()).toEqual(placed.map(({ name }) => name).sort());
  }
}

/** The balancers that have the clients' address. */
export async function holders(): Promise<Placed[]> {
  const has = async ({ host }: Placed) => (await host.run("ip -o -4 addr show")).includes(` ${CLIENTS_ADDRESS}/`);
  const answers = await Promise.all(balancers().map(has));
  return balancers().filter((_, index) => answers[index]);
}

export async function holder(): Promise<Placed> {
  const [only, ...more] = await holders();
  expect(more).toEqual([]);
  return only;
}

/** Another text in a file that a resource brings to its host. */
export function spoil(stack: TerraformStack, resource: string, text: string, replacement: string): void {
  const found = stack.node.findAll().find(({ node }) => node.id === resource) as TerraformResource;
  for (const provisioner of found.provisioners ?? []) {
    if (provisioner.type === "file" && provisioner.content?.includes(text)) {
      Object.assign(provisioner, { content: provisioner.content.replace(text, replacement) });
    }
  }
  found.addOverride("triggers_replace.files", "spoilt");
}
