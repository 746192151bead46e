import { Monitoring, Secret } from "../../src";
import type { PrometheusDefinition } from "../../src/definition/cluster";
import type { PrometheusMonitoringProps } from "../../src/definition/monitoring";
import { nameInstances } from "../../src/placement/placement";
import type { AlertRule, ScrapeEndpoint, Workload, WorkloadName } from "../../src/workload";
import { fullDefinition } from "./definitions";

export const CLUSTER = "dev-mqtt";

/** Monitoring as defined, checked, with every alert there is: some exist only when there is a webhook. */
export function monitoringDefinition(props: PrometheusMonitoringProps = {}): PrometheusDefinition {
  const { monitoring } = fullDefinition({
    monitoring: Monitoring.prometheus({
      webhook: { url: "https://alerts.example.com/mqtt", token: Secret.variable("webhook_token") },
      ...props,
    }),
  });
  return monitoring as PrometheusDefinition;
}

export function instancesOf(workload: WorkloadName, count = 1) {
  return nameInstances({ workload, count }, (name) => `${name}.${CLUSTER}.internal`);
}

const SIZE = { userId: 999, groupId: 999, expectedMemoryMiB: 64 };

/** A workload of which only the metrics matter. */
export function watchedWorkload(
  name: WorkloadName,
  program: string,
  count: number,
  scrape: readonly ScrapeEndpoint[],
  alerts: readonly AlertRule[] = [],
): Workload {
  return {
    name,
    program,
    instances: instancesOf(name, count),
    image: `${program}:1`,
    files: [],
    process: { args: [], environment: {}, stopSignal: "SIGTERM", stopGraceSeconds: 1, openFiles: 1024, ...SIZE },
    ports: [],
    data: [],
    health: {
      probe: { kind: "command", command: ["true"] },
      intervalSeconds: 1,
      timeoutSeconds: 1,
      retries: 1,
      startPeriodSeconds: 1,
    },
    connectsTo: [],
    startsAfter: [],
    startOrder: "together",
    scrape,
    alerts,
    notes: [],
  };
}
