import type { AlertCases } from "../support/alert-tests";

const redis = (metric: string, labels = "") => `${metric}{job="redis",instance="session-store-exporter"${labels}}`;
const calls = (kind: string, command = "fcall") => redis(`redis_commands_${kind}_calls_total`, `,cmd="${command}"`);
const outOfMemory = redis("redis_errors_total", ',err="OOM"');

const AOF = {
  [redis("redis_aof_enabled")]: "1x40",
  [redis("redis_aof_last_write_status")]: "1x40",
  [redis("redis_aof_last_bgrewrite_status")]: "1x40",
};

export const REDIS_CASES: AlertCases = {
  RedisDown: [
    {
      fires: { [redis("redis_up")]: "1x10 0x30", [redis("up")]: "1x40" },
      silent: { [redis("redis_up")]: "1x40", [redis("up")]: "1x40" },
    },
    { fires: { [redis("up")]: "0x40" }, silent: { [redis("redis_up")]: "0x28 1x12", [redis("up")]: "1x40" } },
  ],
  RedisMemoryNearLimit: {
    fires: { [redis("redis_memory_used_bytes")]: "86x40", [redis("redis_memory_max_bytes")]: "100x40" },
    silent: { [redis("redis_memory_used_bytes")]: "85x40", [redis("redis_memory_max_bytes")]: "100x40" },
  },
  RedisWritesRefused: [
    { fires: { [outOfMemory]: "0+1x40" }, silent: { [outOfMemory]: "5x40" } },
    {
      // The counter is born with the first refusal.
      fires: { [outOfMemory]: "_x28 1x12" },
      silent: { [redis("redis_errors_total", ',err="WRONGPASS"')]: "_x28 1x12" },
    },
  ],
  RedisSessionEventsFailed: ["failed", "rejected"].map((kind) => ({
    fires: { [calls(kind)]: "0+1x40" },
    silent: { [calls(kind)]: "3x40", [calls(kind, "get")]: "0+1x40" },
  })),
  RedisAofBroken: Object.keys(AOF).map((metric) => ({ fires: { ...AOF, [metric]: "1x10 0x30" }, silent: AOF })),
  RedisConnectionsRejected: {
    fires: { [redis("redis_rejected_connections_total")]: "0x28 4x12" },
    silent: { [redis("redis_rejected_connections_total")]: "4x40" },
  },
};
