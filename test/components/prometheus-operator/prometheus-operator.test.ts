import { Access, Balancer, Broker, Monitoring, Secret } from "../../../src";
import { clusterDemands, clusterWorkloads } from "../../../src/components/cluster-workloads";
import { foreignPrometheusAlerts } from "../../../src/components/prometheus/alerts";
import { scrapeJobs } from "../../../src/components/prometheus/scrape-jobs";
import { prometheusOperatorObjects } from "../../../src/components/prometheus-operator/prometheus-operator";
import type { ClusterDefinitionProps, PrometheusOperatorDefinition } from "../../../src/definition/cluster";
import type { PrometheusOperatorMonitoringProps } from "../../../src/definition/monitoring";
import { toYaml } from "../../../src/formats/yaml";
import type { CustomObject, JsonObject } from "../../../src/workload";
import { describeAlerts } from "../../support/alert-tests";
import { fullDefinition, testPlacement } from "../../support/definitions";
import { BALANCER_PODS, podPlacement, targetsOf } from "../../support/pods";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { CLUSTER, watchedWorkload } from "../../support/watched";

const PASSWORDS = Access.passwords({
  users: [{ name: "backend", password: Secret.variable("backend_password") }],
  rules: [{ action: "all", topics: ["sensors/#"] }],
});
const PLACEMENT = podPlacement(["broker", "session-store"], { balancer: 2 });

function definitionOf(props: PrometheusOperatorMonitoringProps = {}, more: Partial<ClusterDefinitionProps> = {}) {
  return fullDefinition({ monitoring: Monitoring.prometheusOperator(props), ...more });
}

function objects(props: PrometheusOperatorMonitoringProps = {}, more: Partial<ClusterDefinitionProps> = {}) {
  const definition = definitionOf(props, more);
  return prometheusOperatorObjects(
    definition.monitoring as PrometheusOperatorDefinition,
    PLACEMENT,
    clusterWorkloads(definition, PLACEMENT),
  );
}

const monitors = (all: readonly CustomObject[]) => all.filter(({ kind }) => kind === "PodMonitor");
const rule = (all: readonly CustomObject[]) => all.find(({ kind }) => kind === "PrometheusRule") as CustomObject;
type Groups = { name: string; interval: string; rules: { alert: string; annotations: Record<string, string> }[] }[];
const groups = (all: readonly CustomObject[]) => rule(all).spec.groups as unknown as Groups;

test("exporters and alerts are there, and no Prometheus or Alertmanager", () => {
  for (const balancer of [Balancer.haproxy(), Balancer.nginx()]) {
    const definition = definitionOf({}, { balancer });
    const demanded = clusterDemands(definition).map(({ workload }) => workload);
    const made = clusterWorkloads(definition, testPlacement()).map(({ name }) => name);
    expect([...made].sort()).toEqual([...demanded].sort());
    expect(made).toContain("session-store-exporter");
    expect(made.includes("balancer-exporter")).toBe(definition.balancer.kind === "nginx");
    expect(made).not.toContain("prometheus");
    expect(made).not.toContain("alertmanager");
  }
});

test("one PodMonitor for each workload that has metrics", () => {
  const all = objects({ labels: { release: "kube-prometheus-stack" }, scrapeInterval: "5s" });
  expect(monitors(all).map(({ name }) => name)).toEqual([
    "dev-mqtt-session-store-exporter",
    "dev-mqtt-broker",
    "dev-mqtt-balancer",
  ]);
  expect(monitors(all)[1]).toMatchSnapshot();
});

test("a page with a query has it apart, as it is no part of a path", () => {
  const { monitoring } = definitionOf();
  const broker = watchedWorkload("broker", "emqx", 3, [{ job: "emqx", port: 18083, path: "/stats?mode=node" }]);
  const [{ spec }] = prometheusOperatorObjects(monitoring as PrometheusOperatorDefinition, PLACEMENT, [broker]);
  expect(spec.podMetricsEndpoints).toEqual([
    expect.objectContaining({ path: "/stats", params: { mode: ["node"] }, interval: "15s", scrapeTimeout: "10s" }),
  ]);
});

test("every alert of the cluster, and of the watching what is not about a Prometheus of our own", () => {
  const all = objects({ runbookBaseUrl: "https://wiki.example.com/mqtt", labels: { team: "mqtt" } });
  expect(rule(all)).toMatchObject({ name: "dev-mqtt-alerts", labels: { team: "mqtt" } });
  const found = groups(all);
  expect(found.map(({ name, interval, rules }) => [name, interval, rules.length > 0])).toEqual([
    ["redis-exporter", "15s", true],
    ["emqx", "15s", true],
    ["haproxy", "15s", true],
    ["prometheus", "15s", true],
  ]);
  expect(found.at(-1)?.rules.map(({ alert }) => alert)).toEqual(["PrometheusTargetMissing", "PrometheusScrapeFails"]);
  for (const { alert, annotations } of found.flatMap(({ rules }) => rules)) {
    expect(annotations.runbook_url).toBe(`https://wiki.example.com/mqtt/${alert}.md`);
  }
});

test("thresholds are those of the definition", () => {
  const expressions = (props: PrometheusOperatorMonitoringProps) => JSON.stringify(groups(objects(props)));
  expect(expressions({ downFor: "7m" })).toContain('"for":"7m"');
  expect(expressions({ connectionsWarningPercent: 10 })).not.toBe(expressions({}));
});

test("cannot be asked for instances that are no pods", () => {
  const { monitoring } = definitionOf();
  const broker = watchedWorkload("broker", "emqx", 1, [{ job: "emqx", port: 1, path: "/" }]);
  expect(() =>
    prometheusOperatorObjects(monitoring as PrometheusOperatorDefinition, testPlacement(), [broker]),
  ).toThrow("The instances of broker are no pods");
});

/** The relabelings of the first endpoint as the operator writes them into the configuration of its Prometheus. */
function relabelConfigs({ spec }: CustomObject): object[] {
  const [{ relabelings }] = spec.podMetricsEndpoints as unknown as { relabelings: JsonObject[] }[];
  const label = (source: string, target_label: string) => ({ source_labels: [source], target_label });
  return [
    { source_labels: ["__meta_kubernetes_pod_phase"], regex: "(Failed|Succeeded)", action: "drop" },
    label("__meta_kubernetes_namespace", "namespace"),
    label("__meta_kubernetes_pod_container_name", "container"),
    label("__meta_kubernetes_pod_name", "pod"),
    { target_label: "job", replacement: "mqtt/dev-mqtt" },
    ...relabelings.map(({ sourceLabels, targetLabel, ...rest }) => ({
      ...rest,
      ...(sourceLabels && { source_labels: sourceLabels }),
      ...(targetLabel && { target_label: targetLabel }),
    })),
  ];
}

describeWithPrograms(["promtool"], "promtool", () => {
  const folder = temporaryFolder();

  test("makes one target of each pod that runs, with the labels that alerts ask for", () => {
    const [, , balancer] = monitors(objects());
    const common = { cluster: CLUSTER, job: "haproxy", namespace: "mqtt" };
    expect(targetsOf(folder, BALANCER_PODS, relabelConfigs(balancer))).toEqual(
      ["1 aaaaa", "2 bbbbb"].map((pod) => ({
        ...common,
        __address__: `10.1.0.${pod[0]}:8405`,
        instance: `balancer-5f-${pod.slice(2)}`,
        pod: `dev-mqtt-balancer-5f-${pod.slice(2)}`,
      })),
    );
    const others = BALANCER_PODS.map((port) => ({ ...port, pod: port.pod.replace("dev-mqtt-", "our-dev-mqtt-") }));
    expect(targetsOf(folder, others, relabelConfigs(balancer)).map(({ instance }) => instance)).toEqual([
      "our-dev-mqtt-balancer-5f-aaaaa",
      "our-dev-mqtt-balancer-5f-bbbbb",
    ]);
  });
  const check = (all: readonly CustomObject[]) =>
    run("promtool", [
      "check",
      "rules",
      "--lint=all",
      "--lint-fatal",
      writeFile(folder, "rules.yml", toYaml(rule(all).spec, "")),
    ]);

  test.each<[string, Partial<ClusterDefinitionProps>]>([
    ["EMQX", {}],
    ["EMQX that asks Redis", { access: Access.redis(), balancer: Balancer.nginx() }],
    ["RabbitMQ", { broker: Broker.rabbitmq(), sessionStore: undefined, access: PASSWORDS }],
  ])("accepts the rules of %s", (_, more) => {
    expect(check(objects({}, more))).toMatchObject({ status: 0, output: expect.stringContaining("SUCCESS") });
  });

  test("would have noticed a broken expression", () => {
    const broken = JSON.parse(JSON.stringify(rule(objects())));
    broken.spec.groups[0].rules[0].expr = "up{ == 0";
    expect(check([broken])).toMatchObject({ status: 1 });
  });
});

const SCRAPED = {
  'up{job="haproxy",instance="balancer-6d4cf56db6-x2k9p"}': "1x40",
  'up{job="haproxy",instance="balancer-6d4cf56db6-aaaaa"}': "1x40",
};

/** A pod that is gone leaves no series behind that could be 0. */
describeAlerts(
  "somebody else's Prometheus",
  foreignPrometheusAlerts(
    definitionOf().monitoring as PrometheusOperatorDefinition,
    CLUSTER,
    scrapeJobs([watchedWorkload("balancer", "haproxy", 2, [{ job: "haproxy", port: 8405, path: "/metrics" }])]),
  ),
  {
    PrometheusTargetMissing: [
      {
        fires: { ...SCRAPED, 'up{job="haproxy",instance="balancer-6d4cf56db6-aaaaa"}': "1x20 _x20" },
        silent: SCRAPED,
      },
      { fires: {}, silent: { ...SCRAPED, 'up{job="haproxy",instance="balancer-6d4cf56db6-new"}': "1x40" } },
    ],
    PrometheusScrapeFails: {
      fires: {
        'up{job="emqx",instance="broker-0",pod="dev-mqtt-broker-0"}': "1x40",
        'up{job="emqx-access",instance="broker-0",pod="dev-mqtt-broker-0"}': "0x40",
      },
      silent: { 'up{job="emqx",instance="broker-0",pod="dev-mqtt-broker-0"}': "0x40" },
    },
  },
);
