import { join } from "node:path";
import { Balancer, Broker, Monitoring, SessionStore } from "../../src";
import { clusterWorkloads } from "../../src/components/cluster-workloads";
import type { ClusterDefinitionProps } from "../../src/definition/cluster";
import type { Workload, WorkloadName } from "../../src/workload";
import { fullDefinition, packagePlacement } from "../support/definitions";
import { describeAsSuperuser } from "../support/network";
import { PackagedHost } from "../support/packaged-host";
import type { RunningServer } from "../support/servers";
import { until } from "../support/servers";

/** Brokers are elsewhere; here everything else shares one host, with what a balancer needs of them. */
const BROKERS = [1, 2, 3].map((n) => `10.0.1.${10 + n}`);
const HERE = "10.0.2.11";

test("a version that is asked for is that of image and package; without one, the package may be any from the least on", () => {
  const versions = (props: Partial<ClusterDefinitionProps>) =>
    clusterWorkloads(fullDefinition(props), packagePlacement()).flatMap(({ program, image, package: software }) =>
      ["haproxy", "redis", "prometheus", "alertmanager"].includes(program)
        ? [[image, software?.version, software?.atLeast]]
        : [],
    );
  expect(versions({})).toEqual([
    ["redis:7.2.16-alpine", undefined, "7.0"],
    ["haproxy:3.2.22-alpine", undefined, "2.6"],
    ["prom/alertmanager:v0.28.1", undefined, "0.25"],
    ["prom/prometheus:v3.5.0", undefined, "2.42"],
  ]);
  const pinned = {
    balancer: Balancer.haproxy({ version: "2.8" }),
    sessionStore: SessionStore.redis({ version: "7.0.15" }),
    monitoring: Monitoring.prometheus({ version: "2.45", alertmanagerVersion: "0.26.0" }),
  };
  expect(versions(pinned)).toEqual([
    ["redis:7.0.15-alpine", "7.0.15", "7.0"],
    ["haproxy:2.8-alpine", "2.8", "2.6"],
    ["prom/alertmanager:v0.26.0", "0.26.0", "0.25"],
    ["prom/prometheus:v2.45.0", "2.45", "2.42"],
  ]);
});

test("a broker's number is its own, whoever else is there", () => {
  const placement = packagePlacement();
  const instances = (name: WorkloadName) =>
    placement.instances(name).filter(({ ordinal }) => name !== "broker" || ordinal !== 2);
  const [{ content }] = clusterWorkloads(fullDefinition(), { ...placement, instances }).find(
    ({ name }) => name === "balancer",
  )!.files;
  expect(
    content.match(/^ *server .*/gm)?.map((line) => line.replace(/^ *server (\S+) .* id (\d+).*/, "$1 $2")),
  ).toEqual(["broker-1 1", "broker-3 3", "broker-1 1", "broker-3 3", "broker-1 1", "broker-3 3"]);
});

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

describeAsSuperuser(
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

describeAsSuperuser("Debian's packages around RabbitMQ", ["nginx", "prometheus", "prometheus-alertmanager"], () => {
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
