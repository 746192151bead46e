import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Access, Balancer, Broker, Monitoring, Secret, SessionStore } from "../../src";
import { clusterWorkloads } from "../../src/components/cluster-workloads";
import { RUNBOOKS } from "../../src/components/prometheus/rules";
import type { ClusterDefinitionProps } from "../../src/definition/cluster";
import type { AlertRule, Workload } from "../../src/workload";
import { type AlertCases, describeAlerts } from "../support/alert-tests";
import { fullDefinition, testPlacement } from "../support/definitions";
import { HAPROXY_CASES, NGINX_CASES } from "./balancers";
import { emqxCases } from "./emqx";
import { RABBITMQ_CASES } from "./rabbitmq";
import { REDIS_CASES } from "./redis";

/** Definitions that have, between them, every alert there is. */
const DEFINITIONS: readonly Partial<ClusterDefinitionProps>[] = [
  {},
  { access: Access.redis() },
  { broker: Broker.emqx({ version: "5.10.4", license: Secret.variable("emqx_license") }) },
  { broker: Broker.emqx({ nodes: 1 }) },
  { broker: Broker.rabbitmq(), sessionStore: SessionStore.builtIn(), balancer: Balancer.nginx({ replicas: 2 }) },
];

function workloads(props: Partial<ClusterDefinitionProps>): Workload[] {
  const monitoring = Monitoring.prometheus({ webhook: { url: "https://alerts.example.com/mqtt" } });
  return clusterWorkloads(fullDefinition({ monitoring, ...props }), testPlacement({ balancer: 2 }));
}

const ALERTS = new Map<string, AlertRule[]>();
for (const { program, alerts } of DEFINITIONS.flatMap(workloads)) {
  const known = ALERTS.get(program) ?? [];
  // A rule that differs between definitions is tested as the first of them has it.
  ALERTS.set(program, [...known, ...alerts.filter(({ alert }) => !known.some((other) => other.alert === alert))]);
}

const CASES: Readonly<Record<string, AlertCases>> = {
  emqx: emqxCases("http:session_copy"),
  rabbitmq: RABBITMQ_CASES,
  haproxy: HAPROXY_CASES,
  "nginx-exporter": NGINX_CASES,
  "redis-exporter": REDIS_CASES,
};

/** Theirs are tested beside them: see components/prometheus and components/alertmanager. */
const TESTED_ELSEWHERE = ["prometheus", "alertmanager"];

for (const [program, cases] of Object.entries(CASES)) {
  describeAlerts(program, ALERTS.get(program) ?? [], cases);
}

test("every program that has alerts has cases for them", () => {
  const programs = [...ALERTS].filter(([, alerts]) => alerts.length > 0).map(([program]) => program);
  expect(programs.sort()).toEqual([...Object.keys(CASES), ...TESTED_ELSEWHERE].sort());
});

const NAMES = [...ALERTS.values()].flat().map(({ alert }) => alert);
const FOLDER = join(__dirname, "../..", RUNBOOKS);

test("names are unique, so that a page and a message belong to one alert", () => {
  expect(NAMES).toEqual([...new Set(NAMES)]);
});

test("every alert has a page, and every page an alert", () => {
  const pages = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  expect(pages.filter((page) => page !== "README.md").sort()).toEqual(NAMES.map((name) => `${name}.md`).sort());
});

test.each(NAMES)("the page of %s has every part, and its links lead somewhere", (name) => {
  const page = readFileSync(join(FOLDER, `${name}.md`), "utf8");
  expect(page.match(/^#+ .*/gm)).toEqual([
    `# ${name}`,
    "## Meaning",
    "## Effect on clients",
    "## Confirm",
    "## Mend",
    "## Related",
  ]);
  const links = [...page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link);
  expect(links.filter((link) => !link.startsWith("http") && !existsSync(join(FOLDER, link)))).toEqual([]);
});
