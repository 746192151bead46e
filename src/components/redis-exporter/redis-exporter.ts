import type { RedisDefinition } from "../../definition/cluster";
import type { Placement } from "../../placement/placement";
import type { Instance, Workload } from "../../workload";
import type { AlertLimits } from "../alert-limits";
import { REDIS_PORT } from "../redis/paths";
import { redisAlerts } from "./redis-alerts";

const EXPORTER_PORT = 9121;
const USER = "monitor";

export interface RedisExporterInput extends Pick<Placement, "cluster" | "folder"> {
  readonly instances: readonly Instance[];
  readonly redisHost: string;
  readonly alertLimits: AlertLimits;
}

/** Metrics of Redis for Prometheus, and what they should raise an alert for. */
export function redisExporterWorkload(redis: RedisDefinition, input: RedisExporterInput): Workload {
  const folder = input.folder("session-store-exporter", "configuration", "/etc/redis-exporter");
  const passwordsPath = `${folder}/passwords.json`;
  const address = `${input.redisHost}:${REDIS_PORT}`;
  return {
    name: "session-store-exporter",
    program: "redis-exporter",
    instances: input.instances,
    image: "oliver006/redis_exporter:v1.88.0-alpine",
    package: {
      name: "prometheus-redis-exporter",
      atLeast: "1.45",
      units: ["prometheus-redis-exporter.service"],
      user: "prometheus",
      command: ["/usr/bin/prometheus-redis-exporter"],
    },
    files: [{ path: passwordsPath, content: passwords(redis, address), mode: 0o400, onChange: "restart" }],
    process: {
      args: [
        `--redis.addr=redis://${address}`,
        `--redis.user=${USER}`,
        `--redis.password-file=${passwordsPath}`,
        `--web.listen-address=:${EXPORTER_PORT}`,
        "--connection-timeout=5s",
      ],
      environment: {},
      // As in its image; without the group it would have that of root.
      user: "59000:59000",
      stopSignal: "SIGTERM",
      stopGraceSeconds: 10,
      openFiles: 1024,
      userId: 59000,
      groupId: 59000,
      memoryMiB: 64,
      expectedMemoryMiB: 64,
    },
    ports: [{ name: "metrics", number: EXPORTER_PORT, audience: "cluster" }],
    data: [],
    health: {
      // Not whether it reaches Redis: it must live and say so when it does not.
      probe: { kind: "http", port: EXPORTER_PORT, path: "/health" },
      intervalSeconds: 10,
      timeoutSeconds: 3,
      retries: 3,
      startPeriodSeconds: 15,
    },
    alive: { port: EXPORTER_PORT, path: "/health" },
    connectsTo: [{ to: "session-store", ports: [REDIS_PORT] }],
    startsAfter: ["session-store"],
    startOrder: "together",
    scrape: [{ job: "redis", port: EXPORTER_PORT, path: "/metrics" }],
    alerts: redisAlerts(input.cluster, input.alertLimits),
    notes: [],
  };
}

/** By address; releases after 1.45 (Debian 12) look it up with the user's name in it. */
function passwords({ monitorPassword }: RedisDefinition, address: string): string {
  const entries = {
    [`redis://${USER}@${address}`]: `${monitorPassword}`,
    [`redis://${address}`]: `${monitorPassword}`,
  };
  return `${JSON.stringify(entries, undefined, 2)}\n`;
}
