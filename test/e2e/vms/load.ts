import { report } from "../support";
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
  if (members.fewest < fewest) {
    throw new Error(`only ${members.fewest} members at a time:\n${members.log.join("\n")}`);
  }
  expect({ lost: figures.lost, unacknowledged: figures.published - figures.acknowledged }).toEqual({
    lost: [],
    unacknowledged: 0,
  });
  expect(members.asksPerSecond).toBeGreaterThanOrEqual(2);
  return outcome.value;
}

function print(what: string, traffic: TrafficFigures, members: MemberFigures): void {
  const { published, acknowledged, lost, duplicates, reconnects, sessionsLost, longestWait, drained } = traffic;
  report(`${what}: messages published, acknowledged`, `${published}, ${acknowledged}`);
  report(`${what}: acknowledged messages lost, twice there`, `${lost.length}, ${duplicates}`);
  report(`${what}: longest wait for an acknowledgement`, longestWait);
  report(`${what}: last message there after the end`, drained);
  report(`${what}: reconnects, sessions lost`, `${reconnects}, ${sessionsLost}`);
  report(`${what}: members at least (asked ${members.asksPerSecond.toFixed(1)} times a second)`, `${members.fewest}`);
}
