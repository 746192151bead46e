import { parse } from "yaml";
import { alertmanagerWorkload } from "../../../src/components/alertmanager/alertmanager";
import { prometheusWorkload } from "../../../src/components/prometheus/prometheus";
import { alertRulesYaml } from "../../../src/components/prometheus/rules";
import { scrapeJobs } from "../../../src/components/prometheus/scrape-jobs";
import type { PrometheusMonitoringProps } from "../../../src/definition/monitoring";
import type { AlertRule, Workload } from "../../../src/workload";
import { testPlacement } from "../../support/definitions";
import { BALANCER_PODS, podPlacement, targetsOf } from "../../support/pods";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { CLUSTER, monitoringDefinition, watchedWorkload } from "../../support/watched";

const NODE_DOWN: AlertRule = {
  alert: "EmqxNodeDown",
  expr: `up{cluster="${CLUSTER}",job="emqx"} == 0`,
  for: "1m",
  severity: "critical",
  summary: "{{ $labels.instance }} is down",
  description: "Clients of this node reconnect to the others.",
};

const BROKERS = watchedWorkload(
  "broker",
  "emqx",
  3,
  [{ job: "emqx", port: 18083, path: "/api/v5/prometheus/stats?mode=node" }],
  [NODE_DOWN],
);
const BALANCERS = watchedWorkload("balancer", "haproxy", 2, [{ job: "haproxy", port: 8405, path: "/metrics" }]);

function prometheus(
  props: PrometheusMonitoringProps = {},
  watched: readonly Workload[] = [BROKERS, BALANCERS],
): Workload {
  const monitoring = monitoringDefinition(props);
  return prometheusWorkload(monitoring, testPlacement(), {
    alertmanagerAddress: `alertmanager.${CLUSTER}.internal:9093`,
    watched: [...watched, alertmanagerWorkload(monitoring, testPlacement())],
  });
}

function file(workload: Workload, path: string): string {
  return workload.files.find((candidate) => candidate.path === path)!.content;
}

const config = (workload: Workload) => file(workload, "/etc/prometheus/prometheus.yml");
const rules = (workload: Workload) => file(workload, "/etc/prometheus/alerts.yml");

test("prometheus.yml", () => {
  expect(config(prometheus())).toMatchSnapshot();
});

test("alerts.yml", () => {
  expect(rules(prometheus())).toMatchSnapshot();
});

test("links of messages lead to where operators reach it", () => {
  const placement = {
    ...testPlacement(),
    operatorUrl: (name: string, port: number) => `http://${name}.example.com:${port}`,
  };
  const monitoring = monitoringDefinition();
  expect(
    prometheusWorkload(monitoring, placement, { alertmanagerAddress: "alertmanager:9093", watched: [] }).process.args,
  ).toContain("--web.external-url=http://prometheus.example.com:9090");
  expect(alertmanagerWorkload(monitoring, placement).process.args).toContain(
    "--web.external-url=http://alertmanager.example.com:9093",
  );
});

test("every alert names its page: in this package, or where it is published", () => {
  const pages = (props: PrometheusMonitoringProps) => rules(prometheus(props)).match(/runbook.*NodeDown.md$/gm);
  expect(pages({})).toEqual(["runbook: docs/runbooks/EmqxNodeDown.md"]);
  for (const runbookBaseUrl of ["https://wiki.example.com/mqtt", "https://wiki.example.com/mqtt/"]) {
    expect(pages({ runbookBaseUrl })).toEqual(["runbook_url: https://wiki.example.com/mqtt/EmqxNodeDown.md"]);
  }
});

test.each([
  "wiki.example.com/mqtt",
  "https://wiki.example.com/{{ $labels.instance }}",
  "https://me:secret@wiki.example.com/mqtt",
  "https://wiki.example.com/mqtt?page=",
  "https://wiki.example.com/#",
])("fails if pages were to be published at %s", (runbookBaseUrl) => {
  expect(() => monitoringDefinition({ runbookBaseUrl })).toThrow("monitoring.runbookBaseUrl");
});

function check(folder: string, workload: Workload) {
  const rulesFile = writeFile(folder, "alerts.yml", rules(workload));
  const configFile = writeFile(
    folder,
    "prometheus.yml",
    config(workload).replace("/etc/prometheus/alerts.yml", rulesFile),
  );
  return run("promtool", ["check", "config", "--lint=all", "--lint-fatal", configFile]);
}

describe("rules for a Prometheus of one's own", () => {
  const exposed = alertRulesYaml(CLUSTER, [BROKERS, BALANCERS, prometheus()]);

  test("say which labels they need, and leave out the cluster's own Prometheus", () => {
    expect(exposed).toMatchSnapshot();
  });

  test("link to the same pages", () => {
    expect(alertRulesYaml(CLUSTER, [BROKERS], "https://wiki.example.com/mqtt")).toContain(
      "runbook_url: https://wiki.example.com/mqtt/EmqxNodeDown.md",
    );
  });

  describeWithPrograms(["promtool"], "promtool", () => {
    const folder = temporaryFolder();

    test.each([
      ["some alerts", exposed, 1],
      ["none", alertRulesYaml(CLUSTER, [BALANCERS]), 0],
    ])("accepts a file with %s", (_, text, count) => {
      const file = writeFile(folder, "own.yml", text);
      expect(run("promtool", ["check", "rules", "--lint=all", "--lint-fatal", file])).toMatchObject({
        status: 0,
        output: expect.stringContaining(`${count} rules found`),
      });
    });
  });
});

describe("on Kubernetes", () => {
  const placement = podPlacement(["broker", "prometheus", "alertmanager"]);
  const found = prometheusWorkload(monitoringDefinition(), placement, {
    alertmanagerAddress: "alertmanager:9093",
    watched: [BROKERS, BALANCERS],
  });

  test("pods that come and go under new names are found by the addresses behind one name", () => {
    const { scrape_configs } = parse(config(found));
    expect(scrape_configs.map((job: object) => Object.keys(job).find((key) => /_configs$/.test(key)))).toEqual([
      "static_configs",
      "dns_sd_configs",
      "static_configs",
    ]);
    expect(scrape_configs[1]).toMatchSnapshot();
  });

  test("too few of them are an alert still, which says where they come from", () => {
    const alerts = parse(rules(found)).groups.flatMap((group: { rules: object[] }) => group.rules);
    expect(alerts.find(({ alert }: AlertRule) => alert === "PrometheusTargetMissing")).toMatchObject({
      expr: expect.stringContaining(`count by (cluster, job) (up{cluster="${CLUSTER}",job="haproxy"}) < 2`),
      annotations: { description: expect.stringContaining("Pods that are found by one name are not there") },
    });
    expect(rules(prometheus())).not.toContain("Pods that are found");
  });

  test("one job of two workloads would mix up their pods", () => {
    const both = [{ ...BALANCERS, scrape: BROKERS.scrape }, BROKERS];
    for (const watched of [both, [...both].reverse()]) {
      expect(() => scrapeJobs(watched, placement.podsOf)).toThrow('Scrape job "emqx" is of two workloads');
    }
  });

  describeWithPrograms(["promtool"], "promtool", () => {
    const folder = temporaryFolder();

    test("knows them by their addresses, whichever program is asked", () => {
      const { relabel_configs } = parse(config(found)).scrape_configs[1];
      expect(targetsOf(folder, BALANCER_PODS.slice(1, 3), relabel_configs)).toEqual([
        { __address__: "10.1.0.1:8405", cluster: CLUSTER, instance: "10.1.0.1", job: "pods" },
        { __address__: "10.1.0.2:8405", cluster: CLUSTER, instance: "10.1.0.2", job: "pods" },
      ]);
    });

    test("accepts the configuration", () => {
      expect(check(folder, found)).toMatchObject({ status: 0, output: expect.stringContaining("SUCCESS") });
    });
  });
});

describeWithPrograms(["promtool"], "promtool", () => {
  const folder = temporaryFolder();

  test.each<[string, PrometheusMonitoringProps]>([
    ["the defaults", {}],
    ["the shortest interval, which is shorter than Prometheus' own timeout", { scrapeInterval: "1s", downFor: "1s" }],
    ["the longest interval", { scrapeInterval: "1m", downFor: "1h", retention: "730d" }],
    ["no webhook", { webhook: undefined }],
    ["pages of one's own", { runbookBaseUrl: "https://wiki.example.com/mqtt" }],
  ])("accepts configuration and rules with %s", (_, props) => {
    expect(check(folder, prometheus(props))).toMatchObject({ status: 0, output: expect.stringContaining("SUCCESS") });
  });

  test("would have noticed a broken expression", () => {
    const broken = { ...BROKERS, alerts: [{ ...NODE_DOWN, expr: "up{ == 0" }] };
    expect(check(folder, prometheus({}, [broken]))).toMatchObject({ status: 1 });
  });
});
