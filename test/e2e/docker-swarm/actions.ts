import { until } from "../../support/servers";
import { poolOf } from "../questions";
import { balancers, CLUSTER, monitoring, type Placed, type PlacedBroker } from "./bed";
import { host } from "./hosts";

/** Which containers run, by instance. */
export async function containersOf(...placed: Placed[]): Promise<Record<string, string>> {
  const found = placed.map(async (one) => [one.name, (await one.container()) ?? "none"]);
  return Object.fromEntries(await Promise.all(found));
}

/** Names of instances that run in other containers now. */
export async function replacedSince(before: Record<string, string>, ...placed: Placed[]): Promise<string[]> {
  const after = await containersOf(...placed);
  return Object.keys(before)
    .filter((name) => before[name] !== after[name])
    .sort();
}

export async function expectMembers(brokers: readonly PlacedBroker[]): Promise<void> {
  expect(await membersSeenBy(brokers)).toEqual(allSeenByAll(brokers));
}

async function membersSeenBy(brokers: readonly PlacedBroker[]): Promise<Record<string, unknown>> {
  const seen = brokers.map(async (one) => [one.name, await one.members()]);
  return Object.fromEntries(await Promise.all(seen));
}

function allSeenByAll(brokers: readonly PlacedBroker[]): Record<string, unknown> {
  const all = brokers.map(({ name }) => name).sort();
  return Object.fromEntries(all.map((name) => [name, { running: all, known: all }]));
}

export async function untilInPool(brokers: readonly PlacedBroker[]): Promise<void> {
  const names = brokers.map(({ name }) => name).join();
  await until(
    `every balancer sends clients to ${names}`,
    async () => {
      const pools = await Promise.all(balancers().map((one) => poolOf(one.host.address).catch(() => [])));
      return pools.every((pool) => pool.join() === names);
    },
    60_000,
  );
}

/** Everybody runs and is healthy, and brokers are members for each other and up for the balancers. */
export async function untilAllIsWell(brokers: readonly PlacedBroker[], patienceMs = 300_000): Promise<void> {
  const everybody = [...brokers, ...balancers(), ...monitoring()];
  await until(
    "every instance is healthy",
    async () => (await Promise.all(everybody.map((one) => one.isHealthy()))).every(Boolean),
    patienceMs,
  );
  await untilInPool(brokers);
  const all = JSON.stringify(allSeenByAll(brokers));
  await until(
    "every broker is a member again",
    async () => JSON.stringify(await membersSeenBy(brokers).catch(() => ({}))) === all,
    120_000,
  );
}

/** Everything that anybody who may look at services and containers sees of the cluster. */
export async function inspected(placed: readonly Placed[]): Promise<string> {
  const names = async (...list: string[]) => host(1).lines(...list, "--filter", `name=${CLUSTER}`, "-q");
  const [services, configs, secrets] = await Promise.all([
    names("service", "ls"),
    names("config", "ls"),
    names("secret", "ls"),
  ]);
  const texts = await Promise.all([
    host(1).docker("service", "inspect", ...services),
    host(1).docker("config", "inspect", ...configs),
    host(1).docker("secret", "inspect", ...secrets),
    ...placed.map(async (one) => one.host.docker("inspect", (await one.container()) as string)),
    ...placed.map(async (one) =>
      one.run("sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>&1 | tr '\\0' ' '"),
    ),
    ...services.map((service) => host(1).docker("service", "logs", "--raw", service)),
  ]);
  return texts.join("\n");
}
