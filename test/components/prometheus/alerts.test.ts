import { prometheusAlerts } from "../../../src/components/prometheus/alerts";
import { scrapeJobs } from "../../../src/components/prometheus/scrape-jobs";
import { type AlertCases, describeAlerts, testRule } from "../../support/alert-tests";
import { describeWithPrograms, temporaryFolder } from "../../support/programs";
import { CLUSTER, monitoringDefinition, watchedWorkload } from "../../support/watched";

const EMQX = watchedWorkload("broker", "emqx", 3, [{ job: "emqx", port: 18083, path: "/metrics" }]);
const REDIS = watchedWorkload("session-store-exporter", "redis_exporter", 1, [
  { job: "redis", port: 9121, path: "/metrics" },
]);
const ALERTS = prometheusAlerts(monitoringDefinition(), CLUSTER, scrapeJobs([EMQX, REDIS]));

const OWN = 'job="prometheus",instance="prometheus"';

/** Whether a target answers does not matter here, only whether somebody asks it. */
const ALL_SCRAPED = {
  'up{job="emqx",instance="broker-1"}': "1x40",
  'up{job="emqx",instance="broker-2"}': "0x40",
  'up{job="emqx",instance="broker-3"}': "1x40",
  'up{job="redis",instance="session-store-exporter"}': "0x40",
};

function without(lost: string) {
  return Object.fromEntries(Object.entries(ALL_SCRAPED).filter(([selector]) => !selector.includes(lost)));
}

const CASES: AlertCases = {
  Watchdog: { fires: {}, silent: "never" },
  PrometheusNotConnectedToAlertmanager: [
    {
      fires: { [`prometheus_notifications_alertmanagers_discovered{${OWN}}`]: "0x40" },
      silent: {
        [`prometheus_notifications_alertmanagers_discovered{${OWN}}`]: "1x40",
        [`prometheus_notifications_errors_total{${OWN},alertmanager="a"}`]: "7x40",
      },
    },
    {
      // Configured, but not there: what a fixed address looks like.
      fires: {
        [`prometheus_notifications_alertmanagers_discovered{${OWN}}`]: "1x40",
        [`prometheus_notifications_errors_total{${OWN},alertmanager="a"}`]: "0+1x40",
      },
      // Alertmanager was restarted.
      silent: {
        [`prometheus_notifications_alertmanagers_discovered{${OWN}}`]: "1x40",
        [`prometheus_notifications_errors_total{${OWN},alertmanager="a"}`]: "0x22 2x20",
      },
    },
  ],
  PrometheusTargetMissing: [
    { fires: without("broker-2"), silent: ALL_SCRAPED },
    { fires: without('job="redis"'), silent: ALL_SCRAPED },
    { fires: {}, silent: ALL_SCRAPED, count: 2 },
  ],
  PrometheusScrapeFails: {
    fires: {
      'up{job="emqx",instance="broker-1"}': "1x40",
      'up{job="emqx-access",instance="broker-1"}': "0x40",
      'up{job="emqx-actions",instance="broker-1"}': "1x40",
    },
    // The node is down as a whole, which is another alert.
    silent: {
      'up{job="emqx",instance="broker-1"}': "0x40",
      'up{job="emqx-access",instance="broker-1"}': "0x40",
      'up{job="emqx",instance="broker-2"}': "1x40",
    },
  },
  PrometheusConfigReloadFailed: {
    fires: { [`prometheus_config_last_reload_successful{${OWN}}`]: "1x10 0x30" },
    silent: { [`prometheus_config_last_reload_successful{${OWN}}`]: "0x10 1x30" },
  },
  PrometheusRuleEvaluationFailures: {
    fires: {
      [`prometheus_rule_evaluation_failures_total{${OWN},rule_group="/etc/prometheus/alerts.yml;emqx"}`]: "0+1x40",
    },
    silent: {
      [`prometheus_rule_evaluation_failures_total{${OWN},rule_group="/etc/prometheus/alerts.yml;emqx"}`]: "9x40",
    },
  },
};

describeAlerts("prometheus", ALERTS, CASES);

describeWithPrograms(["promtool"], "the tests of alerts would notice", () => {
  const folder = temporaryFolder();
  const good = {
    alert: "EmqxNodeDown",
    expr: `up{cluster="${CLUSTER}",job="emqx"} == 0`,
    for: "1m",
    severity: "critical",
    summary: "{{ $labels.instance }} is down",
    description: "",
  } as const;
  const oneCase = {
    fires: { 'up{job="emqx",instance="broker-1"}': "0x40" },
    silent: { 'up{job="emqx",instance="broker-1"}': "1x40" },
  };
  const verdict = (change: Partial<typeof good> | object) =>
    testRule(folder, { program: "emqx", alerts: [{ ...good, ...change }] }, oneCase);

  test("nothing in a good one", () => {
    expect(verdict({})).toMatchObject({ status: 0 });
  });

  test.each([
    ["one that never fires", { expr: `up{cluster="${CLUSTER}",job="emqx"} == 2` }, "fires"],
    ["one that fires always", { expr: `up{cluster="${CLUSTER}",job="emqx"} >= 0` }, "stays silent"],
    ["one that mixes clusters", { expr: 'up{job="emqx"} == 0' }, "beside another cluster"],
    ["a label that the expression dropped", { expr: `min by (cluster) (up{cluster="${CLUSTER}"}) == 0` }, "fires"],
  ])("%s", (_, change, scenario) => {
    expect(verdict(change)).toMatchObject({ status: 1, output: expect.stringContaining(scenario) });
  });
});
