import { connect } from "node:net";
import type { TerraformResource, TerraformStack } from "cdktf";
import type { MqttClient } from "mqtt";
import { type MqttClients, outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND } from "../cluster";
import { report } from "../support";
import { allSeenByAll, balancers, brokers, CLIENTS_ADDRESS, membersSeenBy, type Placed } from "./bed";

/** Of HAProxy. */
const METRICS_PORT = 8405;
const REDIS_PORT = 6379;

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

export interface Failure {
  fail(): Promise<unknown>;
  /** Ends it, when the clients are back or were waited for in vain. */
  mend?(): Promise<unknown>;
}

/** Lets something fail under the feet of 30 clients, and expects them back in time. */
export async function failure(mqtt: MqttClients, what: string, { fail, mend }: Failure, withinSeconds: number) {
  const clients = await crowd(mqtt);
  try {
    const { lost, seconds } = await outage(clients, fail);
    report(`${what}: last of ${lost} lost clients back after`, seconds);
    expect(seconds).toBeLessThan(withinSeconds);
  } finally {
    await mend?.();
    await end(clients);
  }
}

/** Members for each other, and up for the balancers. */
export async function backAgain(...placed: Placed[]): Promise<void> {
  const all = JSON.stringify(allSeenByAll(placed));
  await until("every broker is up for the balancers", () => areInPool(placed), 180_000);
  await until(
    "every broker is a member again",
    async () => JSON.stringify(await membersSeenBy(placed)) === all,
    60_000,
  );
}

/** Names of the brokers that a balancer sends clients to. */
async function poolOf({ address }: Placed): Promise<string[]> {
  const metrics = await (await fetch(`http://${address}:${METRICS_PORT}/metrics`)).text();
  const up = /^haproxy_server_status\{proxy="mqtt-brokers",server="([^"]+)",state="UP"\} 1$/gm;
  return [...metrics.matchAll(up)].map(([, name]) => name).sort();
}

async function areInPool(placed: readonly Placed[]): Promise<boolean> {
  const pools = await Promise.all(balancers().map(poolOf));
  return pools.every((pool) => pool.join() === placed.map(({ name }) => name).join());
}

export async function expectInPool(...placed: Placed[]): Promise<void> {
  for (const balancer of balancers()) {
    expect(await poolOf(balancer)).toEqual(placed.map(({ name }) => name));
  }
}

/** What Redis answers to commands, one after another. */
export function askRedis(address: string, commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(REDIS_PORT, address, () => socket.end([...commands, "QUIT", ""].join("\r\n")));
    socket.setTimeout(5_000, () => socket.destroy(new Error("Redis does not answer")));
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
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
