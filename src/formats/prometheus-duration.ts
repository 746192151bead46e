const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["m", 60],
] as const;

/** Seconds in the notation of Prometheus and Alertmanager, in the largest unit that fits: `90s`, `15m`, `15d`. */
export function prometheusDuration(seconds: number): string {
  const [unit, size] = UNITS.find(([, unitSize]) => seconds >= unitSize && seconds % unitSize === 0) ?? ["s", 1];
  return `${seconds / size}${unit}`;
}
