import type { Placement } from "../placement/placement";
import type { ConfigFile, Instance } from "../workload";

/**
 * Files that tell brokers where to look for others. Where a changed file is a new start, each has a list of its own that stays
 * the same when others come and go: the first three and itself.
 */
export function peerFiles(
  { instances, filesAreFixed }: Pick<Placement, "instances" | "filesAreFixed">,
  render: (peers: readonly Instance[]) => ConfigFile,
): ConfigFile[] {
  const brokers = instances("broker");
  return filesAreFixed
    ? brokers.map((own) => ({ ...render([...new Set([...firstBrokers(brokers), own])]), onlyFor: own.name }))
    : [render(brokers)];
}

/** Whom every broker knows. */
export function firstBrokers(brokers: readonly Instance[]): readonly Instance[] {
  return brokers.slice(0, 3);
}
