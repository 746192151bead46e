import { setTimeout as wait } from "node:timers/promises";
import { connect } from "mqtt";
import { isLetIn, type MqttClients, outage } from "../../support/mqtt";
import { until } from "../../support/servers";
import { BACKEND } from "../cluster";
import { crowd, end, type Failure } from "../failures";
import { report } from "../support";

const EVERY_MS = 100;
/** Less than any client has by default; a node that is away answers nobody, however long one waits. */
const PATIENCE_MS = 5_000;
/** A third of all connects would have to go well as many times as that by chance. */
const QUIET_SECONDS = 10;

/** Clients that come for the first time, one every tenth of a second, and do not try again. */
class Newcomers {
  public attempts = 0;
  public failures = 0;
  private lastFailure = Date.now();
  private readonly timer: NodeJS.Timeout;

  public constructor(private readonly url: string) {
    this.timer = setInterval(() => this.come(), EVERY_MS);
  }

  public stop(): void {
    clearInterval(this.timer);
  }

  /** Since the last one came that was not let in. */
  public get quietSeconds(): number {
    return (Date.now() - this.lastFailure) / 1000;
  }

  public lastFailureAfter(begin: number): number {
    return (this.lastFailure - begin) / 1000;
  }

  private async come(): Promise<void> {
    const came = Date.now();
    this.attempts += 1;
    const client = connect(this.url, { ...BACKEND, reconnectPeriod: 0, connectTimeout: PATIENCE_MS });
    if (!(await isLetIn(client))) {
      this.failures += 1;
      this.lastFailure = Math.max(this.lastFailure, came);
    }
  }
}

/** A way to the brokers, which clients come by. */
export interface Way {
  readonly name: string;
  readonly url: string;
  readonly mqtt: MqttClients;
}

export interface WayFigures {
  /** Until the last client that had been connected was again. */
  readonly backAfter: number;
  /** Until the last new client came that was not let in. */
  readonly refusedUntil: number;
}

/** Lets something fail under the feet of clients that are connected, and before the eyes of new ones, on all ways at once. */
export async function failureOnWays(
  what: string,
  ways: readonly Way[],
  { fail, mend }: Failure,
): Promise<readonly WayFigures[]> {
  const crowds = await Promise.all(ways.map(({ mqtt }) => crowd(mqtt)));
  const newcomers = ways.map(({ url }) => new Newcomers(url));
  try {
    // What they are refused without a failure would be counted as its effect.
    await wait(1_000);
    expect(newcomers.map(({ failures }) => failures)).toEqual(ways.map(() => 0));
    const begin = Date.now();
    const failing = fail();
    const outages = await Promise.all(crowds.map((clients) => outage(clients, () => failing)));
    await until(
      "new clients are let in",
      () => newcomers.every(({ quietSeconds }) => quietSeconds > QUIET_SECONDS),
      180_000,
    );
    return ways.map(({ name }, index) => {
      const { lost, seconds } = outages[index];
      const { attempts, failures } = newcomers[index];
      const refusedUntil = failures > 0 ? newcomers[index].lastFailureAfter(begin) : 0;
      report(`${what}, ${name}: last of ${lost} lost clients back after`, seconds);
      report(`${what}, ${name}: new clients refused`, `${failures} of ${attempts}, until ${refusedUntil.toFixed(1)} s`);
      return { backAfter: seconds, refusedUntil };
    });
  } finally {
    for (const each of newcomers) {
      each.stop();
    }
    await mend?.();
    await Promise.all(crowds.map(end));
  }
}
