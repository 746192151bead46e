import * as v from "valibot";
import type { Secret } from "./secret";
import { duration, integer, kubernetesLabel, kubernetesLabelValue, mapOf, options, secret, version } from "./values";

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
   * How long something must be down before its alert fires: "1s" to "1h". Alertmanager also waits for so long, at most a minute,
   * before it tells of the end of an alert, or of another one of the kind.
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

/** What `Monitoring.prometheusOperator()` accepts. */
export interface PrometheusOperatorMonitoringProps {
  /**
   * Labels of the objects that the operator is given. Its Prometheus takes up those that its `podMonitorSelector` and
   * `ruleSelector` select, and only those: with the chart kube-prometheus-stack, which selects its own,
   * `{ release: "<name of its release>" }`.
   * @default - none
   */
  readonly labels?: { readonly [name: string]: string };
  /**
   * How often every endpoint is read and every rule evaluated: "1s" to "1m".
   * @default "15s"
   */
  readonly scrapeInterval?: string;
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
   * Where you publish the runbooks, which come with this package in docs/runbooks, or your own.
   * @default - alerts name the file in this package
   */
  readonly runbookBaseUrl?: string;
}

type MonitoringKind = "prometheus" | "prometheusOperator" | "none";

/** What watches the cluster. */
export class Monitoring {
  /** Prometheus that scrapes every program of the cluster, alert rules with thresholds from the definition, Alertmanager. */
  public static prometheus(props: PrometheusMonitoringProps = {}): Monitoring {
    return new Monitoring("prometheus", props);
  }

  /**
   * A Prometheus operator that a Kubernetes cluster has already, by its `PodMonitor` and `PrometheusRule`: its Prometheus
   * scrapes every program of the cluster, and has the same alert rules. For `Target.kubernetes()`.
   */
  public static prometheusOperator(props: PrometheusOperatorMonitoringProps = {}): Monitoring {
    return new Monitoring("prometheusOperator", props);
  }

  /** Nothing. The programs still offer their metrics inside the cluster's network. */
  public static none(): Monitoring {
    return new Monitoring("none", {});
  }

  /** @internal */
  public readonly _kind: MonitoringKind;
  /** @internal */
  public readonly _props: PrometheusMonitoringProps | PrometheusOperatorMonitoringProps;

  private constructor(kind: MonitoringKind, props: PrometheusMonitoringProps | PrometheusOperatorMonitoringProps) {
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

const watching = {
  // Rules look at the last five minutes, and a rate needs several samples in them.
  scrapeInterval: v.optional(duration("1s", "1m"), "15s"),
  connectionsWarningPercent: v.optional(integer(10, 99), 80),
  downFor: v.optional(duration("1s", "1h"), "1m"),
  runbookBaseUrl: v.optional(
    v.pipe(
      httpUrl("https://wiki.example.com/mqtt/runbooks", ""),
      v.check((text) => !/[?#]/.test(text), "must not hold ? or #: the name of the page is put behind it"),
    ),
  ),
};

export const prometheusSchema = options({
  version: v.optional(version),
  alertmanagerVersion: v.optional(version),
  ...watching,
  retention: v.optional(duration("1d", "730d"), "15d"),
  webhook: v.optional(
    options({
      url: httpUrl("https://alerts.example.com/hook", ': give token: Secret.variable("webhook_token")'),
      token: v.optional(secret),
    }),
  ),
});

export const prometheusOperatorSchema = options({
  labels: v.optional(
    mapOf(
      kubernetesLabel,
      kubernetesLabelValue,
      'must be an object of texts by name of a Kubernetes label: { release: "kube-prometheus-stack" }',
    ),
    {},
  ),
  ...watching,
});

export const noMonitoringSchema = options({});
