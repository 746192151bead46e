import * as v from "valibot";
import type { Secret } from "./secret";
import { duration, integer, options, secret, version } from "./values";

/** Where alerts go. */
export interface WebhookProps {
  /** `http://` or `https://` URL that takes Alertmanager's JSON. */
  readonly url: string;
  /**
   * Bearer token that Alertmanager sends along.
   * @default - none
   */
  readonly token?: Secret;
}

/** What `Monitoring.prometheus()` accepts. */
export interface PrometheusMonitoringProps {
  /**
   * Version of Prometheus, 2.42 or later.
   * @default - 3.5.0 as image; as package, what the host's distribution has
   */
  readonly version?: string;
  /**
   * Version of Alertmanager, 0.25 or later.
   * @default - 0.28.1 as image; as package, what the host's distribution has
   */
  readonly alertmanagerVersion?: string;
  /**
   * How often every endpoint is read and every rule evaluated: "1s" to "1m".
   * @default "15s"
   */
  readonly scrapeInterval?: string;
  /**
   * How long samples are kept: "1d" to "730d".
   * @default "15d"
   */
  readonly retention?: string;
  /**
   * Share of the allowed connections, in percent, at which an alert fires: 10 to 99.
   * @default 80
   */
  readonly connectionsWarningPercent?: number;
  /**
   * How long something must be down before its alert fires: "1s" to "1h".
   * @default "1m"
   */
  readonly downFor?: string;
  /**
   * Receives every alert, and word when it is over.
   * @default - alerts are shown by Alertmanager only
   */
  readonly webhook?: WebhookProps;
  /**
   * Where you publish the runbooks, which come with this package in docs/runbooks, or your own. Every alert then links to its
   * page: `<runbookBaseUrl>/EmqxNodeDown.md`.
   * @default - alerts name the file in this package
   */
  readonly runbookBaseUrl?: string;
}

/** What watches the cluster. */
export class Monitoring {
  /** Prometheus that scrapes every program of the cluster, alert rules with thresholds from the definition, Alertmanager. */
  public static prometheus(props: PrometheusMonitoringProps = {}): Monitoring {
    return new Monitoring("prometheus", props);
  }

  /** Nothing. The programs still offer their metrics inside the cluster's network. */
  public static none(): Monitoring {
    return new Monitoring("none", {});
  }

  /** @internal */
  public readonly _kind: "prometheus" | "none";
  /** @internal */
  public readonly _props: PrometheusMonitoringProps;

  private constructor(kind: "prometheus" | "none", props: PrometheusMonitoringProps) {
    this._kind = kind;
    this._props = props;
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s"'<>\\{}]+$/.test(text) && URL.canParse(text);
}

function hasCredentials(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return Boolean(url?.username || url?.password);
}

function httpUrl(example: string, insteadOfCredentials: string) {
  const message = `must be an http:// or https:// URL without spaces, quotes or braces: "${example}"`;
  return v.pipe(
    v.string(message),
    v.check(isHttpUrl, message),
    v.check(
      (text) => !hasCredentials(text),
      `must not hold a user or password, which everybody would see${insteadOfCredentials}`,
    ),
  );
}

export const prometheusSchema = options({
  version: v.optional(version),
  alertmanagerVersion: v.optional(version),
  // Rules look at the last five minutes, and a rate needs several samples in them.
  scrapeInterval: v.optional(duration("1s", "1m"), "15s"),
  retention: v.optional(duration("1d", "730d"), "15d"),
  connectionsWarningPercent: v.optional(integer(10, 99), 80),
  downFor: v.optional(duration("1s", "1h"), "1m"),
  webhook: v.optional(
    options({
      url: httpUrl("https://alerts.example.com/hook", ': give token: Secret.variable("webhook_token")'),
      token: v.optional(secret),
    }),
  ),
  runbookBaseUrl: v.optional(
    v.pipe(
      httpUrl("https://wiki.example.com/mqtt/runbooks", ""),
      v.check((text) => !/[?#]/.test(text), "must not hold ? or #: the name of the page is put behind it"),
    ),
  ),
});

export const noMonitoringSchema = options({});
