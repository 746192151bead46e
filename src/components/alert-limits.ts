import type { MonitoringDefinition } from "../definition/cluster";
import { prometheusDuration } from "../formats/prometheus-duration";

/** When alerts fire, as far as the definition says. */
export interface AlertLimits {
  /** How long something is down before it is worth an alert, as Prometheus writes durations. */
  readonly downFor: string;
  /** Share of `clients.maxConnections`. */
  readonly connectionsPercent: number;
}

/** For programs that are watched by somebody else's Prometheus. */
export const DEFAULT_ALERT_LIMITS: AlertLimits = { downFor: "1m", connectionsPercent: 80 };

export function alertLimits(monitoring: MonitoringDefinition): AlertLimits {
  return monitoring.kind !== "none"
    ? { downFor: prometheusDuration(monitoring.downFor), connectionsPercent: monitoring.connectionsWarningPercent }
    : DEFAULT_ALERT_LIMITS;
}
