import { type MemberFigures, MemberWatch, type Watched } from "./members";
import { report } from "./support";
import { Traffic, type TrafficFigures } from "./traffic";

export interface LoadProps {
  /** Where clients connect. */
  readonly url: string;
  /** The brokers that may be members while it happens. */
  readonly watched: readonly Watched[];
  readonly fewest: number;
}

/**
 * Does something under steady traffic, and expects of it that no acknowledged message is lost and that never fewer brokers
 * than `fewest` are members at the same time.
 */
export async function underLoad<T>(
  what: string,
  { url, watched, fewest }: LoadProps,
  act: () => Promise<T>,
): Promise<T> {
  const watch = await MemberWatch.start(watched);
  const traffic = await Traffic.start({ url });
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
  // No restart is over sooner than that.
  expect(members.asksPerSecond).toBeGreaterThanOrEqual(1);
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
