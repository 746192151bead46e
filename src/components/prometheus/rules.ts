import type { Scalar } from "yaml";
import { block, toYaml } from "../../formats/yaml";
import type { AlertRule, JsonObject, Workload } from "../../workload";
import { scrapeJobs } from "./scrape-jobs";

/** Where each alert's page lies in this package. */
export const RUNBOOKS = "docs/runbooks";

/** The alerts of one program. */
export interface RuleGroup {
  readonly program: string;
  readonly alerts: readonly AlertRule[];
}

/**
 * Rules file for a Prometheus of one's own. Alerts fire only if it gives every series the labels that the rules ask for:
 * `cluster`, the cluster's name; `job`, as the first lines of the file list it; and `instance`, which is `broker-1` and
 * the like in every job. The rules about the cluster's own Prometheus and Alertmanager are left out.
 */
export function alertRulesYaml(cluster: string, workloads: readonly Workload[], runbookBaseUrl?: string): string {
  const watched = workloads.filter(({ name }) => name !== "prometheus" && name !== "alertmanager");
  const jobs = scrapeJobs(watched).map(
    ({ job, targets }) => `  ${job}: ${targets.map(({ instance }) => instance).join(", ")}`,
  );
  const comment = [`Every series needs the label cluster="${cluster}", and these for job and instance:`, ...jobs];
  return `${comment.map((line) => `# ${line}\n`).join("")}#\n${renderRules(cluster, watched, runbookBaseUrl)}`;
}

/** The rules file. */
export function renderRules(cluster: string, groups: readonly RuleGroup[], runbookBaseUrl?: string): string {
  return toYaml(
    {
      groups: ruleGroups(cluster, groups, runbookBaseUrl).map((group) => ({
        ...group,
        rules: group.rules.map((rule) => ({ ...rule, expr: readable(rule.expr) })),
      })),
    },
    `Generated from the definition of MQTT cluster "${cluster}": change it there.`,
  );
}

/** A group as Prometheus and its operator take it. */
interface PrometheusGroup extends JsonObject {
  readonly name: string;
  readonly rules: readonly PrometheusRule[];
}

interface PrometheusRule extends JsonObject {
  readonly alert: string;
  readonly expr: string;
}

/** One group per program, so that the Rules page and a failing group name the program. */
export function ruleGroups(
  cluster: string,
  groups: readonly RuleGroup[],
  runbookBaseUrl?: string,
): readonly PrometheusGroup[] {
  const programs = [...new Set(groups.map(({ program }) => program))];
  return programs
    .map((program) => ({
      name: program,
      rules: groups
        .filter((group) => group.program === program)
        .flatMap(({ alerts }) =>
          alerts.map((alert) => ({
            ...rule(alert, program, cluster),
            annotations: annotations(alert, runbookBaseUrl),
          })),
        ),
    }))
    .filter(({ rules }) => rules.length > 0);
}

function rule({ alert, expr, for: pending, severity }: AlertRule, component: string, cluster: string) {
  return {
    alert,
    expr: withoutMargin(expr),
    ...(pending !== "0s" && { for: pending }),
    // `cluster` also here: an expression that aggregates, or `absent`, may have dropped it.
    // The exporter of a program speaks for that program.
    labels: { severity, component: component.replace(/-exporter$/, ""), cluster },
  };
}

/** `runbook_url` is what programs that show alerts make a link of; a path would be a dead one. */
function annotations({ alert, summary, description }: AlertRule, runbookBaseUrl?: string) {
  const page = `${alert}.md`;
  return {
    summary,
    description,
    ...(runbookBaseUrl
      ? { runbook_url: `${runbookBaseUrl.replace(/\/+$/, "")}/${page}` }
      : { runbook: `${RUNBOOKS}/${page}` }),
  };
}

/** Expressions of several lines lose the indentation of the code that they come from. */
function withoutMargin(expr: string): string {
  const lines = expr.replace(/^\s*\n|\s+$/g, "").split("\n");
  const margin = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin)).join("\n");
}

/** A long single line stays one. */
function readable(expr: string): string | Scalar<string> {
  return expr.includes("\n") || expr.length > 100 ? block(expr) : expr;
}
