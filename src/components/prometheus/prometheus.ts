import type { PrometheusDefinition } from "../../definition/cluster";
import { LEAST_VERSIONS } from "../../definition/cross-checks";
import { prometheusDuration } from "../../formats/prometheus-duration";
import type { Placement } from "../../placement/placement";
import type { Connection, ScrapeEndpoint, Workload } from "../../workload";
import { prometheusAlerts } from "./alerts";
import { renderPrometheusConfig } from "./config";
import { imageTag } from "./image-tag";
import { renderRules } from "./rules";
import { scrapeJobs } from "./scrape-jobs";

export interface PrometheusInput {
  /** Host and port. */
  readonly alertmanagerAddress: string;
  /** Every workload but Prometheus, which watches itself. */
  readonly watched: readonly Workload[];
}

const PORT = 9090;
const IMAGE_VERSION = "3.5.0";
const SCRAPE: readonly ScrapeEndpoint[] = [{ job: "prometheus", port: PORT, path: "/metrics" }];

/**
 * Prometheus 2.42 to 3.x. What was run is 2.42. Of 3.x its migration guide and list of flags were read: they change no flag
 * and no key used here, and the newest only deprecate --storage.tsdb.retention.time, whose successor 2.42 does not know.
 * 3.x no longer reads metrics from a server that sends no Content-Type.
 * https://prometheus.io/docs/prometheus/latest/migration/
 */
export function prometheusWorkload(
  monitoring: PrometheusDefinition,
  placement: Placement,
  { alertmanagerAddress, watched }: PrometheusInput,
): Workload {
  const { cluster } = placement;
  const configuration = placement.folder("prometheus", "configuration", "/etc/prometheus");
  const [config, rules] = [`${configuration}/prometheus.yml`, `${configuration}/alerts.yml`];
  const data = placement.folder("prometheus", "data", "/prometheus");
  const instances = placement.instances("prometheus");
  const jobs = scrapeJobs([...watched, { name: "prometheus", instances, scrape: SCRAPE }], placement.podsOf);
  const alerts = prometheusAlerts(monitoring, cluster, jobs);

  return {
    name: "prometheus",
    program: "prometheus",
    instances,
    image: `prom/prometheus:${imageTag(monitoring.version ?? IMAGE_VERSION)}`,
    package: {
      name: "prometheus",
      version: monitoring.version,
      atLeast: LEAST_VERSIONS.prometheus,
      units: ["prometheus.service"],
      user: "prometheus",
      command: ["/usr/bin/prometheus"],
    },
    files: [
      {
        path: rules,
        content: renderRules(cluster, [...watched, { program: "prometheus", alerts }], monitoring.runbookBaseUrl),
        mode: 0o444,
        onChange: "reload",
        check: ["promtool", "check", "rules", rules],
      },
      {
        path: config,
        content: renderPrometheusConfig(monitoring, {
          cluster,
          jobs,
          rulesPath: rules,
          alertmanagerAddress,
        }),
        mode: 0o444,
        onChange: "reload",
        // Only the syntax: the rules file, which has a check of its own, may not be in place yet.
        check: ["promtool", "check", "config", "--syntax-only", config],
      },
    ],
    process: {
      // The reload comes by a signal. --web.enable-lifecycle would offer it over HTTP as well, and with it, to everybody who
      // reaches the port, the end of the process.
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${data}`,
        `--storage.tsdb.retention.time=${prometheusDuration(monitoring.retention)}`,
        `--web.listen-address=:${PORT}`,
        // Stands in every alert as the way back to its graph; the default is the name that the host has for itself.
        `--web.external-url=${placement.operatorUrl("prometheus", PORT)}`,
      ],
      environment: {},
      user: "nobody",
      userId: 65534,
      groupId: 65534,
      expectedMemoryMiB: 512,
      stopSignal: "SIGTERM",
      stopGraceSeconds: 60,
      openFiles: 8192,
    },
    reloadSignal: "SIGHUP",
    ports: [{ name: "prometheus", number: PORT, audience: "operators", scheme: "http" }],
    data: [{ name: "data", path: data }],
    health: {
      probe: { kind: "http", port: PORT, path: "/-/ready" },
      intervalSeconds: 10,
      timeoutSeconds: 5,
      retries: 3,
      // Not ready until it has read its write-ahead log, which after a crash is up to three hours of samples.
      startPeriodSeconds: 120,
    },
    alive: { port: PORT, path: "/-/healthy" },
    connectsTo: connections(watched),
    // It is there to see the others fail to start.
    startsAfter: [],
    startOrder: "together",
    scrape: SCRAPE,
    alerts,
    notes: [
      "Prometheus and Alertmanager ask nobody for a password: whoever reaches their ports reads every metric and can silence every alert.",
      "Nothing inside the cluster notices when Prometheus is down: let something outside ask Alertmanager for the alert Watchdog, which always fires.",
    ],
  };
}

/** To what it scrapes, itself as well; Alertmanager is among that, on the port that takes alerts as well. */
function connections(watched: readonly Workload[]): Connection[] {
  return [
    { to: "prometheus", ports: [PORT] },
    ...watched
      .filter(({ scrape }) => scrape.length > 0)
      .map(({ name, scrape }) => ({ to: name, ports: [...new Set(scrape.map(({ port }) => port))] }) as const),
  ];
}
