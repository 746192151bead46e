import type { AlertRule } from "../../workload";
import type { AlertLimits } from "../alert-limits";
import { MAX_CLIENTS } from "../redis/redis-config";

export function redisAlerts(cluster: string, { downFor }: AlertLimits): AlertRule[] {
  const series = (metric: string, labels = "") => `${metric}{cluster="${cluster}",job="redis"${labels}}`;
  const failed = (kind: string) => `increase(${series(`redis_commands_${kind}_calls_total`, ',cmd="fcall"')}[5m])`;
  const outOfMemory = series("redis_errors_total", ',err="OOM"');
  return [
    {
      alert: "RedisDown",
      expr: `${series("redis_up")} == 0 or ${series("up")} == 0`,
      for: downFor,
      severity: "critical",
      summary: "Redis {{ $labels.instance }} does not answer",
      description:
        "Brokers buffer session events until it is back, and with Access.redis() no client can log in. Look at the log of " +
        "Redis; if it is well, at its exporter.",
    },
    {
      alert: "RedisMemoryNearLimit",
      expr: `${series("redis_memory_used_bytes")} / (${series("redis_memory_max_bytes")} > 0) > 0.85`,
      for: "5m",
      severity: "warning",
      summary: "Redis {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory",
      description:
        "At 100 % it refuses session events. Raise the memory of the session store, or look for clients that take a new " +
        "id each time they connect.",
    },
    {
      alert: "RedisWritesRefused",
      // A counter that appears with its first error has no increase yet.
      expr: `increase(${outOfMemory}[5m]) > 0 or (${outOfMemory} unless ${outOfMemory} offset 5m)`,
      for: "0s",
      severity: "critical",
      summary: "Redis {{ $labels.instance }} is full and refuses writes",
      description:
        "Session events are lost: the copy in Redis grows wrong until each client connects again. Logins still work. Raise " +
        "the memory of the session store.",
    },
    {
      alert: "RedisSessionEventsFailed",
      // The health check calls a function every few seconds, so these counters are there from the start.
      expr: `${failed("failed")} > 0 or ${failed("rejected")} > 0`,
      for: "0s",
      severity: "warning",
      summary: "Redis {{ $labels.instance }} could not take over session events",
      description:
        "Brokers do not notice, because the HTTP answer says success: those events are lost. INFO errorstats names the " +
        "kinds of errors, ACL LOG what was forbidden to whom.",
    },
    {
      alert: "RedisAofBroken",
      expr:
        `${series("redis_aof_last_write_status")} == 0 or ${series("redis_aof_last_bgrewrite_status")} == 0 ` +
        `or ${series("redis_aof_enabled")} == 0`,
      for: "1m",
      severity: "critical",
      summary: "Redis {{ $labels.instance }} does not get its data to disc",
      description:
        "What it holds now is lost with its next restart, users and topic rules among it. Usually the disc is full; the log " +
        "of Redis names the reason.",
    },
    {
      alert: "RedisConnectionsRejected",
      expr: `increase(${series("redis_rejected_connections_total")}[5m]) > 0`,
      for: "0s",
      severity: "critical",
      summary: "Redis {{ $labels.instance }} turns connections away",
      description: `All ${MAX_CLIENTS} connections are taken; brokers need a few dozen. CLIENT LIST shows whose they are.`,
    },
  ];
}
