import { join } from "node:path";
import { Balancer, Broker, Monitoring, SessionStore } from "../../src";
import { clusterWorkloads } from "../../src/components/cluster-workloads";
import type { ClusterDefinitionProps } from "../../src/definition/cluster";
import type { Workload, WorkloadName } from "../../src/workload";
import { fullDefinition, packagePlacement } from "../support/definitions";
import { PackagedHost } from "../support/packaged-host";
import { describeWithPrograms, skipSuite } from "../support/programs";
import type { RunningServer } from "../support/servers";
import { until } from "../support/servers";

/** Brokers are elsewhere; here everything else shares one host, with what a balancer needs of them. */
const BROKERS = [1, 2, 3].map((n) => `10.0.1.${10 + n}`);
const HERE = "10.0.2.11";

function describeHost(title: string, programs: readonly string[], suite: () => void): void {
  if (process.getuid?.() !== 0) {
    skipSuite(title, "needs to be the superuser");
  } else {
    describeWithPrograms([...programs, "unshare", "nsenter", "setpriv", "ip", "wget"], title, suite);
  }
}

function startCluster(props: Partial<ClusterDefinitionProps>) {
  const host = new PackagedHost(HERE, BROKERS);
  const workloads = clusterWorkloads(
    fullDefinition({
      clients: { maxConnections: 1000 },
      monitoring: Monitoring.prometheus({ scrapeInterval: "1s" }),
      ...props,
    }),
    { ...packagePlacement(), folder: host.folder },
  ).filter(({ name }) => name !== "broker");
  const servers = new Map<WorkloadName, RunningServer>();
  beforeAll(async () => {
    for (const broker of BROKERS) {
      host.startNeighbour(process.execPath, [
        join(__dirname, "../support/tiny-broker.js"),
        broker,
        "1883",
        "18083",
        "proxy",
      ]);
    }
    for (const workload of workloads) {
      host.install(workload);
    }
    for (const workload of workloads) {
      servers.set(workload.name, host.start(workload));
    }
  });
  return { host, workloads, server: (name: WorkloadName) => servers.get(name) as RunningServer };
}

function behavesAsPackage(
  { host, workloads, server }: ReturnType<typeof startCluster>,
  expected: readonly WorkloadName[],
): void {
  const workload = (name: WorkloadName) => workloads.find((one) => one.name === name) as Workload;

  test("these programs, all from packages", () => {
    expect(workloads.map(({ name }) => name)).toEqual(expected);
    expect(workloads.filter((one) => !one.package)).toEqual([]);
  });

  test.each(expected)("%s is healthy, from files in its own folders", async (name) => {
    await host.untilHealthy(workload(name), server(name));
    for (const { path, check } of workload(name).files) {
      expect(path).toContain(host.folder(name, "configuration", ""));
      expect(check ? host.run(workload(name), check) : { status: 0 }).toMatchObject({ status: 0 });
    }
  });

  test("Prometheus reads every program", async () => {
    const jobs = workloads.flatMap(({ scrape }) => scrape.map(({ job }) => job));
    const read = await until(
      "all but the brokers are up",
      () => {
        const { data } = JSON.parse(host.get(`http://${HERE}:9090/api/v1/query?query=up==1`));
        const up = data.result.map(({ metric }: { metric: { job: string } }) => metric.job);
        return jobs.every((job) => up.includes(job)) && up;
      },
      30_000,
    );
    expect(read).toEqual(expect.arrayContaining(jobs));
  });

  test.each(expected.filter((name) => workload(name).reloadSignal))("%s survives its reload", async (name) => {
    const { process, log } = server(name);
    const before = log().length;
    process.kill(workload(name).reloadSignal);
    await until("it says something of it", () => log().length > before);
    await host.untilHealthy(workload(name), server(name));
    expect(process.exitCode).toBeNull();
  });
}

describeHost(
  "Debian's packages around EMQX",
  [
    "haproxy",
    "redis-server",
    "redis-cli",
    "webdis",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-redis-exporter",
  ],
  () => {
    behavesAsPackage(startCluster({}), [
      "session-store",
      "session-writer",
      "session-store-exporter",
      "balancer",
      "alertmanager",
      "prometheus",
    ]);
  },
);

describeHost("Debian's packages around RabbitMQ", ["nginx", "prometheus", "prometheus-alertmanager"], () => {
  const cluster = startCluster({
    broker: Broker.rabbitmq(),
    sessionStore: SessionStore.builtIn(),
    balancer: Balancer.nginx(),
  });
  behavesAsPackage(cluster, ["balancer", "alertmanager", "prometheus"]);

  test("nginx counts its clients for Prometheus", () => {
    expect(cluster.host.get(`http://${HERE}:8405/metrics`)).toMatch(/^nginx_connections_active \d+$/m);
  });
});
