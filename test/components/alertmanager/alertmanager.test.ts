import { alertmanagerWorkload } from "../../../src/components/alertmanager/alertmanager";
import type { PrometheusMonitoringProps } from "../../../src/definition/monitoring";
import { testPlacement } from "../../support/definitions";
import { Receiver, startRendered } from "../../support/monitoring-bed";
import { describeWithPrograms, freePort, run, temporaryFolder, writeFile } from "../../support/programs";
import { SECRET } from "../../support/rendered-files";
import { until } from "../../support/servers";
import { CLUSTER, monitoringDefinition } from "../../support/watched";

function alertmanager(props: PrometheusMonitoringProps = {}) {
  return alertmanagerWorkload(monitoringDefinition(props), testPlacement());
}

const config = (props?: PrometheusMonitoringProps) => alertmanager(props).files[0];

test("alertmanager.yml", () => {
  expect(config().content).toMatchSnapshot();
});

test("without a webhook alerts are sent nowhere, and the summary says so", () => {
  expect(config({ webhook: undefined }).content).toMatchSnapshot();
  expect(alertmanager({ webhook: undefined }).notes).toHaveLength(1);
});

test("the file is kept from others only if it holds a secret", () => {
  expect(config().mode).toBe(0o400);
  expect(config({ webhook: { url: "http://alerts.example.com/" } }).mode).toBe(0o444);
});

test("messages wait for one evaluation, at most half a minute", () => {
  expect(config({ scrapeInterval: "5s" }).content).toContain("group_wait: 5s");
  expect(config({ scrapeInterval: "1m" }).content).toContain("group_wait: 30s");
});

test("word of the end waits as long as the alert did, at most a minute", () => {
  expect(config({ downFor: "5s" }).content).toContain("group_interval: 5s");
  expect(config({ downFor: "1h" }).content).toContain("group_interval: 1m");
});

test.each(["http://me:password@alerts.example.com/", "https://me@alerts.example.com/"])(
  "fails if the webhook's address holds a user: %s",
  (url) => {
    expect(() => alertmanager({ webhook: { url } })).toThrow(/monitoring\.webhook\.url.*give token/);
  },
);

test("a version of two numbers becomes the tag that exists", () => {
  expect(alertmanager({ alertmanagerVersion: "0.25" }).image).toBe("prom/alertmanager:v0.25.0");
});

describeWithPrograms(["amtool"], "amtool", () => {
  const folder = temporaryFolder();

  test.each<[string, PrometheusMonitoringProps]>([
    ["a webhook with a token", {}],
    ["a webhook without one", { webhook: { url: "http://10.0.0.1:8080/hook?room=a&b=c" } }],
    ["no webhook", { webhook: undefined }],
  ])("accepts %s", (_, props) => {
    const file = writeFile(folder, "alertmanager.yml", config(props).content);
    expect(run("amtool", ["check-config", file])).toMatchObject({
      status: 0,
      output: expect.stringContaining("SUCCESS"),
    });
  });

  test.each([
    ["a critical alert", "webhook", ["alertname=EmqxNodeDown", "severity=critical"]],
    ["a remark", "webhook", ["alertname=EmqxConnectionsImbalanced", "severity=info"]],
    ["Watchdog", "nobody", ["alertname=Watchdog", "severity=info"]],
  ])("%s goes to %s", (_, receiver, labels) => {
    const file = writeFile(folder, "routes.yml", config().content);
    const args = ["config", "routes", "test", `--config.file=${file}`, `--verify.receivers=${receiver}`];
    expect(run("amtool", [...args, `cluster=${CLUSTER}`, ...labels])).toMatchObject({ status: 0 });
  });
});

describeWithPrograms(["prometheus-alertmanager"], "a real Alertmanager", () => {
  const folder = temporaryFolder();
  const elsewhere = new Receiver();
  const webhook = new Receiver(() => ({ status: 302, headers: { location: `http://127.0.0.1:${elsewherePort}/` } }));
  let elsewherePort: number;
  let api: string;

  beforeAll(async () => {
    const port = freePort();
    api = `http://127.0.0.1:${port}`;
    elsewherePort = await elsewhere.start();
    const url = `http://127.0.0.1:${await webhook.start()}/hook`;
    const rendered = alertmanager({ scrapeInterval: "1s", webhook: { ...monitoringDefinition().webhook, url } });
    await startRendered(rendered, folder, port);
  });

  async function send(...alerts: Record<string, string>[]) {
    const body = JSON.stringify(alerts.map((labels) => ({ labels: { cluster: CLUSTER, ...labels } })));
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${api}/api/v2/alerts`, { method: "POST", headers, body })).status).toBe(200);
  }

  async function muted(): Promise<string[]> {
    const alerts = (await (await fetch(`${api}/api/v2/alerts`)).json()) as {
      labels: Record<string, string>;
      status: { inhibitedBy: string[] };
    }[];
    return alerts.filter(({ status }) => status.inhibitedBy.length > 0).map(({ labels }) => labels.alertname);
  }

  test("trouble of the whole program, or an instance that is down, mutes the warnings that follow from it, and no others", async () => {
    const emqx = { component: "emqx", severity: "warning" };
    const redis = { component: "redis", severity: "warning" };
    await send(
      { ...emqx, alertname: "EmqxClusterSplit", severity: "critical" },
      { ...emqx, alertname: "MutedNode", instance: "broker-1" },
      { ...emqx, alertname: "HeardCritical", instance: "broker-1", severity: "critical" },
      { ...emqx, alertname: "HeardClusterWide" },
      { ...emqx, alertname: "HeardOtherCluster", instance: "broker-1", cluster: "other-mqtt" },
      { ...redis, alertname: "RedisDown", instance: "session-store", severity: "critical" },
      { ...redis, alertname: "MutedByDown", instance: "session-store", severity: "info" },
      { ...redis, alertname: "HeardOtherInstance", instance: "session-store-2" },
      { component: "haproxy", alertname: "HeardOtherProgram", instance: "balancer-1", severity: "warning" },
    );
    await until("the warnings are muted", async () => (await muted()).length >= 2);
    expect((await muted()).sort()).toEqual(["MutedByDown", "MutedNode"]);
  });

  test("a redirect is a failure that is counted, and takes the token nowhere", async () => {
    await send({ component: "emqx", alertname: "EmqxNodeDown", severity: "critical", instance: "broker-3" });
    const failed = /^alertmanager_notifications_failed_total\{integration="webhook"[^}]*\} [1-9]/m;
    await until("a failure is counted", async () => failed.test(await (await fetch(`${api}/metrics`)).text()));
    expect(webhook.messages[0].authorization).toBe(`Bearer ${SECRET}`);
    expect(elsewhere.messages).toEqual([]);
  });
});
