import { Access, Balancer, Broker, Secret, SessionStore } from "../../../src";
import { emqxInterface, emqxWorkload } from "../../../src/components/emqx/emqx";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { secretsIn } from "../../../src/formats/references";
import { unitFile } from "../../../src/targets/vms/unit";
import { fullDefinition, packagePlacement, testPlacement } from "../../support/definitions";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { restartingParts } from "../../support/restarting-parts";

function workload(overrides: Partial<ClusterDefinitionProps> = {}, nodes = 3) {
  return emqxWorkload(fullDefinition(overrides), testPlacement({ broker: nodes }));
}

test("other programs learn where brokers listen, and that a balancer must send the PROXY protocol", () => {
  expect(emqxInterface(fullDefinition())).toEqual({
    tcpPort: 1883,
    ws: { port: 8083, path: "/mqtt" },
    dashboardPort: 18083,
    proxyProtocol: true,
    check: { kind: "http", port: 18083, path: "/status" },
  });
  const alone = emqxInterface(
    fullDefinition({ balancer: Balancer.none(), broker: Broker.emqx({ listeners: { wsPort: 0 } }) }),
  );
  expect(alone).toMatchObject({ ws: undefined, proxyProtocol: false });
});

test("EMQX 5.9 and later comes from another image, and has a page that also says when a node is being emptied", () => {
  const broker = Broker.emqx({ version: "5.10.4", license: Secret.variable("emqx_license") });
  expect(workload({ broker }).image).toBe("emqx/emqx-enterprise:5.10.4");
  expect(emqxInterface(fullDefinition({ broker })).check).toMatchObject({
    path: "/api/v5/load_rebalance/availability_check",
  });
  expect(workload().image).toBe("emqx/emqx:5.8.9");
});

test("each node is named after its host, in the environment; secrets are in files that only the program reads", () => {
  const { process, files, health } = workload();
  expect(process.environment).toEqual({ EMQX_NODE__NAME: "emqx@<<instance:host>>" });
  expect(secretsIn(JSON.stringify({ process, health }))).toEqual([]);
  for (const { path, content, mode } of files) {
    expect({ path, mode }).toEqual({ path, mode: secretsIn(content).length > 0 ? 0o400 : 0o444 });
  }
});

test("a node is healthy when it sees a majority", () => {
  const command = (nodes: 1 | 3 | 5 | 7) => {
    const { probe } = workload({ broker: Broker.emqx({ nodes }) }, nodes).health!;
    return probe.kind === "command" ? probe.command.at(-1) : "";
  };
  expect([command(1), command(3), command(5), command(7)].map((text) => /\$2 >= (\d)/.exec(text ?? "")?.[1])).toEqual([
    "1",
    "2",
    "3",
    "4",
  ]);
});

test("with a balancer in front, clients reach brokers through it only", () => {
  const audiences = (balancer?: Balancer) =>
    Object.fromEntries(workload({ balancer }).ports.map(({ name, audience }) => [name, audience]));
  expect(audiences()).toMatchObject({ mqtt: "cluster", ws: "cluster", distribution: "cluster", rpc: "cluster" });
  expect(audiences(Balancer.none())).toMatchObject({ mqtt: "clients", ws: "clients", dashboard: "operators" });
});

test("the nodes that are left when one is lost hold every client on any of their listeners", () => {
  for (const nodes of [1, 3, 5, 7] as const) {
    for (const internalPort of [0, 11883]) {
      const definition = {
        balancer: Balancer.none(),
        broker: Broker.emqx({ nodes, listeners: { internalPort } }),
        clients: { maxConnections: 90_000 },
      };
      const { files, process } = workload(definition, nodes);
      const conf = files.find(({ path }) => path.endsWith("emqx.conf"))!.content;
      const limits = [...conf.matchAll(/max_connections = (\d+)/g)].map(([, limit]) => Number(limit));
      expect(limits).toHaveLength(internalPort === 0 ? 2 : 3);
      expect(Math.min(...limits) * Math.max(1, nodes - 1)).toBeGreaterThanOrEqual(90_000);
      expect(process.openFiles).toBeGreaterThan(limits.reduce((sum, limit) => sum + limit, 0));
      expect(conf).toContain(`max_ports = ${process.openFiles}\n`);
    }
  }
});

test("only as many processes must run before brokers as they need", () => {
  expect(workload().startsAfter).toEqual(["session-store", "session-writer"]);
  expect(workload({ sessionStore: SessionStore.builtIn() }).startsAfter).toEqual([]);
});

test("every page of metrics that an alert reads is scraped", () => {
  for (const definition of [{}, { sessionStore: SessionStore.builtIn() }, { access: Access.redis() }]) {
    const { alerts, scrape } = workload(definition);
    const jobs = new Set(alerts.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job)));
    expect(scrape.map(({ job }) => job).sort()).toEqual([...jobs].sort());
  }
});

test("what the user must know is said", () => {
  expect(workload().notes).toMatchSnapshot();
  expect(
    workload({ access: Access.redis(), balancer: Balancer.none(), clients: { maxConnections: 5_000_000 } }).notes,
  ).toMatchSnapshot();
});

describe("as a package", () => {
  const packaged = (nodes: 1 | 3 | 5 | 7, version = "5.8.9") =>
    emqxWorkload(
      fullDefinition({
        broker: Broker.emqx({ nodes, version, license: version === "5.8.9" ? undefined : Secret.variable("license") }),
        clients: { maxConnections: 28_000 },
      }),
      packagePlacement({ broker: nodes }),
    );

  test("a node that comes or goes restarts no other", () => {
    expect(restartingParts(packaged(5))).toEqual(restartingParts(packaged(3)));
    expect(restartingParts(packaged(7))).toEqual(restartingParts(packaged(3)));
  });

  test("the program is started by its own script and sees its configuration where it looks for it, and nobody else does", () => {
    const workload = packaged(3);
    const [instance] = workload.instances;
    const unit = unitFile("dev-mqtt", workload, instance, { data: "/data", runtime: "/run/x" }).split("\n");
    expect(unit).toEqual(
      expect.arrayContaining([
        'ExecStart="/bin/bash" "/usr/bin/emqx" "foreground"',
        "BindReadOnlyPaths=/etc/mqtt-cluster/dev-mqtt/broker/emqx.conf:/etc/emqx/emqx.conf",
        'Environment="EMQX_NODE__NAME=emqx@10.0.1.11"',
        "User=emqx",
      ]),
    );
    expect(workload.package).toMatchObject({ name: "emqx", version: "5.8.9" });
    expect(packaged(3, "5.10.4").package).toMatchObject({ name: "emqx-enterprise", version: "5.10.4" });
  });

  test("every path is in the folders of the placement", () => {
    const workload = packaged(3);
    expect(workload.data.map(({ path }) => path)).toEqual(["/var/lib/mqtt-cluster/dev-mqtt/broker"]);
    expect(JSON.stringify(workload)).not.toMatch(/\/opt\/emqx|EMQX_ETC_DIR/);
  });

  test("more open files than the kernel's default are a setting of the host", () => {
    const many = { balancer: Balancer.none(), clients: { maxConnections: 2_000_000 } };
    const { kernelParameters, process, notes } = emqxWorkload(fullDefinition(many), packagePlacement());
    expect(kernelParameters).toEqual([{ name: "fs.nr_open", value: String(process.openFiles) }]);
    expect(notes.join()).not.toContain("sysctl");
    expect(packaged(3).kernelParameters).toEqual([]);
  });

  test("the configuration is checked where the program sees it, and peers and scripts restart nobody", () => {
    const { files } = packaged(3);
    expect(files.filter(({ onChange }) => onChange === "nothing").map(({ path }) => path.split("/").pop())).toEqual([
      "peers.conf",
      "membership",
    ]);
    expect(files[0]).toMatchObject({ check: ["emqx", "check_config"], mode: 0o400 });
  });

  test("a single node has nobody to send its clients to", () => {
    expect(packaged(1).membership).toEqual({
      sees: expect.any(Array),
      forget: expect.any(Array),
      leave: expect.any(Array),
      httpsGet: expect.any(Array),
    });
    expect(packaged(3).membership?.drain).toHaveLength(3);
  });

  const script = (version: string) => packaged(3, version).files.find(({ path }) => path.endsWith("/membership"))!;

  test.each(["5.8.9", "5.10.4"])("how nodes of %s come and go", (version) => {
    expect(script(version).content).toMatchSnapshot();
  });

  describeWithPrograms(["shellcheck"], "its script", () => {
    const folder = temporaryFolder();

    test.each(["5.8.9", "5.10.4"])("of %s has no weak spot", (version) => {
      const path = writeFile(folder, version, script(version).content);
      expect(run("shellcheck", [path])).toEqual({ status: 0, output: "" });
    });
  });
});
