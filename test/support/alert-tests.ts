import { type RuleGroup, renderRules } from "../../src/components/prometheus/rules";
import { toYaml } from "../../src/formats/yaml";
import type { AlertRule } from "../../src/workload";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "./programs";
import { CLUSTER } from "./watched";

/**
 * Samples by series, one a minute, in the notation of promtool: `{ 'up{job="emqx",instance="broker-1"}': "1x10 0x20" }`
 * is 11 times 1, then 21 times 0. The label `cluster` is added to each.
 */
export type Series = Readonly<Record<string, string>>;

/** What makes an alert fire, and what is as near to that as possible and must not. */
export interface AlertCase {
  readonly fires: Series;
  /** "never" only for an alert that is meant to fire always. */
  readonly silent: Series | "never";
  /** When the rules are looked at: @default "30m" */
  readonly at?: string;
  /** How many alerts of this name fire: @default 1 */
  readonly count?: number;
}

/** By the alert's name; several cases for one alert. */
export type AlertCases = Readonly<Record<string, AlertCase | readonly AlertCase[]>>;

/**
 * Tests every alert of a program as it is rendered, with `promtool test rules`: it fires, with every label that its
 * texts mention; it stays silent; and it stays silent when another cluster in the same Prometheus is the one in trouble.
 */
export function describeAlerts(program: string, alerts: readonly AlertRule[], cases: AlertCases): void {
  describeWithPrograms(["promtool"], `alerts of ${program}`, () => {
    const folder = temporaryFolder();

    test("each has a case, and each case an alert", () => {
      expect(Object.keys(cases).sort()).toEqual([...new Set(alerts.map(({ alert }) => alert))].sort());
    });

    test.each(Object.entries(cases).flatMap(([name, some]) => [some].flat().map((one) => [name, one] as const)))(
      "%s",
      (name, one) => {
        const rule = alerts.find(({ alert }) => alert === name);
        expect(rule && testRule(folder, { program, alerts: [rule] }, one)).toEqual({
          status: 0,
          output: expect.any(String),
        });
      },
    );
  });
}

/** The verdict of promtool on one alert; exit status 0 is success, and the output says what came instead. */
export function testRule(
  folder: string,
  group: RuleGroup,
  { fires, silent, at = "30m", count = 1 }: AlertCase,
): { status: number | null; output: string } {
  const [rule] = group.alerts;
  const labels = [...`${rule.summary}${rule.description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
  const scenario = (name: string, series: Series, expected: number) => ({
    interval: "1m",
    input_series: Object.entries(series).map(([selector, values]) => ({ series: selector, values })),
    promql_expr_test: [
      {
        // The comment is how a failure names its scenario: promtool prints no other name.
        expr: `${firing(rule.alert, expected > 0 ? [...new Set(labels)] : [])} # ${name}`,
        eval_time: at,
        exp_samples: [{ labels: "{}", value: expected }],
      },
    ],
  });
  const silence =
    silent === "never"
      ? []
      : [
          scenario("stays silent", inCluster(CLUSTER, silent), 0),
          scenario(
            "stays silent beside another cluster in trouble",
            { ...inCluster(CLUSTER, silent), ...inCluster("other-mqtt", fires) },
            0,
          ),
        ];
  writeFile(folder, "rules.yml", renderRules(CLUSTER, [group]));
  const tests = {
    rule_files: ["rules.yml"],
    evaluation_interval: "1m",
    tests: [scenario("fires", inCluster(CLUSTER, fires), count), ...silence],
  };
  return run("promtool", ["test", "rules", writeFile(folder, "tests.yml", toYaml(tests, rule.alert))]);
}

/** How many fire whose labels fill every gap in their texts: an expression that aggregates may have dropped one. */
function firing(alert: string, labels: readonly string[]): string {
  const selector = [`alertname="${alert}"`, `alertstate="firing"`, ...labels.map((label) => `${label}!=""`)].join(",");
  return `count(ALERTS{${selector}}) or vector(0)`;
}

function inCluster(cluster: string, series: Series): Series {
  return Object.fromEntries(
    Object.entries(series).map(([selector, values]) => {
      const [, metric, labels = ""] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector)!;
      return [`${metric}{cluster="${cluster}"${labels && `,${labels}`}}`, values];
    }),
  );
}
