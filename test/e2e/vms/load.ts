import { CLIENTS_URL, type Placed } from "./bed";
import { type MemberFigures, MemberWatch } from "./members";
import { Traffic, type TrafficFigures } from "./traffic";

/**
 * Does something under steady traffic, and expects of it that no acknowledged message is lost and that never fewer brokers
 * than `fewest` are members at the same time.
 *
 * @param watched The brokers that may be members while it happens.
 */
export async function underLoad<T>(
  what: string,
  { watched, fewest }: { readonly watched: readonly Placed[]; readonly fewest: number },
  act: () => Promise<T>,
): Promise<T> {
  const watch = await MemberWatch.start(watched);
  const traffic = await Traffic.start({ url: CLIENTS_URL });
  const [outcome] = await Promise.allSettled([act()]);
  const members = watch.stop();
  const figures = await traffic.stop();
  print(what, figures, members);
  if (outcome.status === "rejected") {
    throw outcome.reason;
  }
  expect({ lost: figures.lost, unacknowledged: figures.published - figures.acknowledged }).toEqual({
    lost: [],
    unacknowledged: 0,
  });
  expect(members.fewest).toBeGreaterThanOrEqual(fewest);
  expect(members.asksPerSecond).toBeGreaterThanOrEqual(2);
  return outcome.value;
}

function print(what: string, traffic: TrafficFigures, members: MemberFigures): void {
  const { published, acknowledged, lost, duplicates, reconnects, sessionsLost, longestWait, drained } = traffic;
  const lines = [
    `e2e: ${what}: ${published} messages published, ${acknowledged} acknowledged, ${lost.length} of those lost, ` +
      `${duplicates} came twice; ${reconnects} reconnects, ${sessionsLost} sessions lost; longest wait for an ` +
      `acknowledgement ${longestWait.toFixed(2)} s, last message ${drained.toFixed(2)} s after the end`,
    `e2e: ${what}: never fewer than ${members.fewest} members (${members.asksPerSecond.toFixed(1)} questions a second):`,
    ...members.log.map((line) => `  ${line}`),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}
