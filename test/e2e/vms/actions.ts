import type { TerraformResource, TerraformStack } from "cdktf";
import { until } from "../../support/servers";
import { poolOf } from "../questions";
import { allSeenByAll, balancers, brokers, CLIENTS_ADDRESS, membersSeenBy, type Placed } from "./bed";

/** When the programs were started, by instance. */
export async function startOf(...placed: Placed[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(placed.map(async (one) => [one.name, await one.startedAs()])));
}

export async function restartedSince(before: Record<string, string>): Promise<string[]> {
  const placed = [...brokers(1, 2, 3, 4, 5), ...balancers()].filter(({ name }) => name in before);
  const after = await startOf(...placed);
  return Object.keys(before).filter((name) => before[name] !== after[name]);
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

async function areInPool(placed: readonly Placed[]): Promise<boolean> {
  const pools = await Promise.all(balancers().map(({ address }) => poolOf(address)));
  return pools.every((pool) => pool.join() === placed.map(({ name }) => name).join());
}

export async function expectInPool(...placed: Placed[]): Promise<void> {
  for (const balancer of balancers()) {
    expect(await poolOf(balancer.address)).toEqual(placed.map(({ name }) => name));
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
