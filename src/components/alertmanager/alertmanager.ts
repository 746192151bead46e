import type { PrometheusDefinition } from "../../definition/cluster";
import { LEAST_VERSIONS } from "../../definition/cross-checks";
import { secretsIn } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { Connection, Workload } from "../../workload";
import { imageTag } from "../prometheus/image-tag";
import { alertmanagerAlerts } from "./alerts";
import { renderAlertmanagerConfig } from "./config";

export const ALERTMANAGER_PORT = 9093;
const IMAGE_VERSION = "0.28.1";

/** A single Alertmanager, 0.25 or later; what was run is 0.25. */
export function alertmanagerWorkload(monitoring: PrometheusDefinition, placement: Placement): Workload {
  const config = `${placement.folder("alertmanager", "configuration", "/etc/alertmanager")}/alertmanager.yml`;
  const data = placement.folder("alertmanager", "data", "/alertmanager");
  const content = renderAlertmanagerConfig(monitoring, placement.cluster);
  return {
    name: "alertmanager",
    program: "alertmanager",
    instances: placement.instances("alertmanager"),
    image: `prom/alertmanager:${imageTag(monitoring.alertmanagerVersion ?? IMAGE_VERSION)}`,
    package: {
      name: "prometheus-alertmanager",
      version: monitoring.alertmanagerVersion,
      atLeast: LEAST_VERSIONS.alertmanager,
      units: ["prometheus-alertmanager.service"],
      user: "prometheus",
      command: ["/usr/bin/prometheus-alertmanager"],
    },
    files: [
      {
        path: config,
        content,
        mode: secretsIn(content).length > 0 ? 0o400 : 0o444,
        onChange: "reload",
        check: ["amtool", "check-config", config],
      },
    ],
    process: {
      args: [
        `--config.file=${config}`,
        `--storage.path=${data}`,
        `--web.listen-address=:${ALERTMANAGER_PORT}`,
        // Stands in every message as the way back here; the default is the name that the host has for itself.
        `--web.external-url=${placement.operatorUrl("alertmanager", ALERTMANAGER_PORT)}`,
        // There is no second one to gossip with. Left out, it listens on 9094 and refuses to start on a host that has no
        // private address.
        "--cluster.listen-address=",
      ],
      environment: {},
      user: "nobody",
      userId: 65534,
      groupId: 65534,
      expectedMemoryMiB: 128,
      stopSignal: "SIGTERM",
      stopGraceSeconds: 30,
      openFiles: 4096,
    },
    reloadSignal: "SIGHUP",
    ports: [{ name: "alertmanager", number: ALERTMANAGER_PORT, audience: "operators", scheme: "http" }],
    // Silences, and which alerts were already sent: without them every restart would send all of them again.
    data: [{ name: "data", path: data }],
    health: {
      probe: { kind: "http", port: ALERTMANAGER_PORT, path: "/-/ready" },
      intervalSeconds: 10,
      timeoutSeconds: 5,
      retries: 3,
      startPeriodSeconds: 30,
    },
    alive: { port: ALERTMANAGER_PORT, path: "/-/healthy" },
    connectsTo: monitoring.webhook ? [webhookServer(monitoring.webhook.url)] : [],
    startsAfter: [],
    startOrder: "together",
    scrape: [{ job: "alertmanager", port: ALERTMANAGER_PORT, path: "/metrics" }],
    alerts: alertmanagerAlerts(monitoring, placement.cluster),
    notes: monitoring.webhook
      ? []
      : ["Alerts are sent nowhere, Alertmanager only shows them: give monitoring a webhook to be told."],
  };
}

function webhookServer(url: string): Connection {
  const { hostname, port, protocol } = new URL(url);
  return { toHost: hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) };
}
