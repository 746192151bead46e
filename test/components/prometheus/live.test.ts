import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alertmanagerWorkload } from "../../../src/components/alertmanager/alertmanager";
import { prometheusWorkload } from "../../../src/components/prometheus/prometheus";
import type { Placement } from "../../../src/placement/placement";
import { testPlacement } from "../../support/definitions";
import { Receiver, startRendered } from "../../support/monitoring-bed";
import { describeWithPrograms, freePort, temporaryFolder } from "../../support/programs";
import { SECRET } from "../../support/rendered-files";
import { type RunningServer, until } from "../../support/servers";
import { CLUSTER, monitoringDefinition, watchedWorkload } from "../../support/watched";

const DOWN = `up{cluster="${CLUSTER}",job="emqx"} == 0`;

describeWithPrograms(["prometheus", "prometheus-alertmanager"], "a real Prometheus and Alertmanager", () => {
  const folder = temporaryFolder();
  const broker = new Receiver(() => ({
    status: 200,
    headers: { "content-type": "text/plain" },
    body: "emqx_live_connections_count 7\n",
  }));
  const webhook = new Receiver();
  const ports = { prometheus: freePort(), alertmanager: freePort(), broker: freePort() };
  let prometheus: RunningServer;
  let alertmanager: RunningServer;

  beforeAll(async () => {
    await broker.start(ports.broker);
    const monitoring = monitoringDefinition({
      scrapeInterval: "1s",
      downFor: "1s",
      webhook: { ...monitoringDefinition().webhook, url: `http://127.0.0.1:${await webhook.start()}/hook` },
    });
    const at = (name: string) => [{ ordinal: 1, name, host: "127.0.0.1" }];
    const emqx = {
      ...watchedWorkload("broker", "emqx", 1, [{ job: "emqx", port: ports.broker, path: "/stats?mode=node" }]),
      instances: at("broker-1"),
      alerts: [
        {
          alert: "EmqxNodeDown",
          expr: DOWN,
          for: "1s",
          severity: "critical",
          summary: "{{ $labels.instance }} is down",
          description: "",
        } as const,
      ],
    };
    // Everything on loopback, as one host sees it.
    const placement: Placement = { ...testPlacement(), instances: at };
    const rendered = alertmanagerWorkload(monitoring, placement);
    alertmanager = await startRendered(rendered, folder, ports.alertmanager);
    prometheus = await startRendered(
      prometheusWorkload(monitoring, placement, { alertmanagerAddress: "127.0.0.1:9093", watched: [emqx, rendered] }),
      folder,
      ports.prometheus,
      [
        [":9090", `:${ports.prometheus}`],
        [":9093", `:${ports.alertmanager}`],
      ],
      // Prometheus drops what fires in its first seconds, before it has looked up Alertmanager, and again after a reload.
      // It sends everything again after a minute; no test should wait that long.
      ["--rules.alert.resend-delay=1s"],
    );
  });

  const metrics = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

  async function get<T>(port: number, path: string): Promise<T> {
    return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as T;
  }

  async function query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const path = `/api/v1/query?query=${encodeURIComponent(expr)}`;
    return (await get<{ data: { result: never } }>(ports.prometheus, path)).data.result;
  }

  interface Notification {
    readonly status: "firing" | "resolved";
    readonly alerts: { labels: Record<string, string>; annotations: Record<string, string>; generatorURL: string }[];
  }

  const sent = (status: Notification["status"], alertname: string) =>
    webhook.messages
      .map(({ body }) => JSON.parse(body) as Notification)
      .find((message) => message.status === status && message.alerts[0].labels.alertname === alertname);

  test("every target is read, under the name that the definition knows it by", async () => {
    const up = await until("all targets are up", async () => {
      const result = await query("up == 1");
      return result.length === 3 && result;
    });
    expect(up.map(({ metric }) => `${metric.cluster} ${metric.job} ${metric.instance}`).sort()).toEqual([
      `${CLUSTER} alertmanager alertmanager`,
      `${CLUSTER} emqx broker-1`,
      `${CLUSTER} prometheus prometheus`,
    ]);
    expect(broker.messages[0].url).toBe("/stats?mode=node");
  });

  test("a broker that goes down and comes back is told of twice", async () => {
    broker.stop();
    const firing = await until("the webhook is called", async () => sent("firing", "EmqxNodeDown"));
    expect(firing.alerts[0]).toMatchObject({
      labels: { component: "emqx", severity: "critical", cluster: CLUSTER, instance: "broker-1" },
      annotations: {
        summary: "broker-1 is down",
        runbook: "docs/runbooks/EmqxNodeDown.md",
      },
      generatorURL: expect.stringMatching(/^http:\/\/localhost:9090\/graph\?/),
    });
    expect(webhook.messages[0]).toMatchObject({ method: "POST", authorization: `Bearer ${SECRET}` });

    await broker.start(ports.broker);
    await until("the webhook is called again", async () => sent("resolved", "EmqxNodeDown"));
  });

  test("Watchdog reaches Alertmanager, and nobody else", async () => {
    await until("Watchdog is there", async () => {
      const alerts: { labels: Record<string, string> }[] = await get(ports.alertmanager, "/api/v2/alerts");
      return alerts.some(({ labels }) => labels.alertname === "Watchdog");
    });
    expect(sent("firing", "Watchdog")).toBeUndefined();
  });

  test("a changed rule comes into force by SIGHUP, and nobody can do that or worse over HTTP", async () => {
    const file = join(folder, "/etc/prometheus/alerts.yml");
    writeFileSync(file, readFileSync(file, "utf8").replace("alert: EmqxNodeDown", "alert: EmqxNodeGone"));
    prometheus.process.kill("SIGHUP");
    await until("the new rule is there", async () =>
      JSON.stringify(await get(ports.prometheus, "/api/v1/rules")).includes("EmqxNodeGone"),
    );
    const quit = await fetch(`http://127.0.0.1:${ports.prometheus}/-/quit`, { method: "POST" });
    expect(quit.status).toBe(403);
  });

  test("an Alertmanager that is gone still counts as discovered: only errors show it", async () => {
    await alertmanager.stop();
    broker.stop();
    await until("an error is counted", async () =>
      /^prometheus_notifications_errors_total\{.*\} [1-9]/m.test(await metrics(ports.prometheus)),
    );
    expect(await metrics(ports.prometheus)).toMatch(/^prometheus_notifications_alertmanagers_discovered 1$/m);
  });
});
