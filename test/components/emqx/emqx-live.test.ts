import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { connect } from "mqtt";
import { Access, Balancer, Broker, Secret, SessionStore } from "../../../src";
import { emqxWorkload } from "../../../src/components/emqx/emqx";
import type { ClusterDefinitionProps } from "../../../src/definition/cluster";
import { forInstance, forPeer, resolveSecrets } from "../../../src/formats/references";
import type { Membership, Workload } from "../../../src/workload";
import { fullDefinition, packagePlacement, testPlacement } from "../../support/definitions";
import { MqttClients } from "../../support/mqtt";
import { describeWithPrograms, run, skipSuite, temporaryFolder, writeFile } from "../../support/programs";
import { until } from "../../support/servers";

const IMAGE = "emqx/emqx:5.8.9";
const folder = temporaryFolder();

const docker = (...args: string[]) => execFileSync("docker", args, { encoding: "utf8", stdio: "pipe" }).trim();

/** EMQX comes as an image: taken when it is there, pulled in CI only, and not to be had where no registry is in reach. */
const hasImage =
  run("docker", ["image", "inspect", IMAGE]).status === 0 ||
  (process.env.CI !== undefined && run("docker", ["pull", "--quiet", IMAGE]).status === 0);
const describeWithImage: typeof describeWithPrograms = (programs, title, suite) =>
  hasImage ? describeWithPrograms(programs, title, suite) : skipSuite(title, `needs the image ${IMAGE}`);

function workload(overrides: Partial<ClusterDefinitionProps>, nodes = 3): Workload {
  return emqxWorkload(fullDefinition(overrides), testPlacement({ broker: nodes }));
}

/** The files with values for secrets, in a folder of their own. */
function write(name: string, { files }: Workload): string {
  for (const { path, content } of files) {
    const text = resolveSecrets(content, {
      literal: (literal) => literal,
      secret: (secret) => `value-of-${secret.name}`,
      basicAuth: (user, secret) => Buffer.from(`${user}:value-of-${secret.name}`).toString("base64"),
    });
    writeFile(folder, join(name, basename(path)), text);
  }
  return join(folder, name);
}

const containers: string[] = [];
// Here and not where one is made: Jest knows no afterAll inside a test.
afterAll(() => containers.length > 0 && docker("rm", "--force", "--volumes", ...containers));

/** Started by the caller. */
function container(files: string, ...args: string[]): string {
  const id = docker("create", ...args);
  containers.push(id);
  docker("cp", `${files}/.`, `${id}:/opt/emqx/etc/`);
  return id;
}

describeWithImage(["docker"], "EMQX's own check", () => {
  const check = (files: string) =>
    run("docker", [
      "start",
      "--attach",
      container(files, "--env", "EMQX_NODE__NAME=emqx@a.b", IMAGE, "emqx", "check_config"),
    ]);

  test.each<[string, Partial<ClusterDefinitionProps>]>([
    ["accounts, session copy and balancer", {}],
    ["credentials in Redis", { access: Access.redis({ disconnectOnDeny: true }) }],
    [
      "every option and extra settings",
      {
        broker: Broker.emqx({
          listeners: { tcpPort: 2883, wsPort: 0, internalPort: 11883 },
          mqtt: { maxPacketSize: "1500B", sessionExpiry: "7d", maxQueuedMessages: 0, maxClientIdLength: 23 },
          extraConfig: {
            "mqtt.retry_interval": "30s",
            "mqtt.response_information": 'a "quoted" \\ #${x} text\\',
            "force_shutdown.max_heap_size": 67108864,
            "rpc.tcp_client_num": 4,
          },
        }),
      },
    ],
  ])("accepts %s", (name, overrides) => {
    expect(check(write(name.replace(/\W+/g, "-"), workload(overrides)))).toEqual({ status: 0, output: "" });
  });

  test("would refuse what is wrong", () => {
    const broken = workload({});
    const [conf] = broken.files;
    const files = write("wrong", {
      ...broken,
      files: [{ ...conf, content: `${conf.content}mqtt.max_packet_sizes = 1\n` }],
    });
    expect(check(files)).toMatchObject({ status: 1, output: expect.stringContaining("unknown_fields") });
  });
});

describeWithImage(["docker"], "a node of EMQX, as rendered", () => {
  const emqx = workload(
    {
      broker: Broker.emqx({ nodes: 1 }),
      balancer: Balancer.none(),
      sessionStore: SessionStore.builtIn(),
      clients: { maxConnections: 1 },
      access: Access.passwords({
        users: [{ name: "sensors", password: Secret.variable("sensors") }],
        rules: [{ users: ["sensors"], action: "all", topics: ["own/${clientid}/#", "größe"] }],
      }),
    },
    1,
  );
  const { process: program, health } = emqx;
  const port = 20000 + (randomBytes(2).readUInt16BE() % 10000);
  const clients = new MqttClients(`mqtt://127.0.0.1:${port}`);
  const account = { username: "sensors", password: "value-of-sensors" };
  let id: string;

  beforeAll(async () => {
    const environment = Object.entries(program.environment).flatMap(([name, value]) => [
      "--env",
      `${name}=${forInstance(value, { host: "broker-1.dev-mqtt.internal", name: "broker-1" })}`,
    ]);
    const limits = ["--ulimit", `nofile=${program.openFiles}`, "--user", program.user!, "--cap-drop", "ALL"];
    const name = ["--hostname", "broker-1.dev-mqtt.internal", "--publish", `127.0.0.1:${port}:1883`];
    id = container(write("node", emqx), ...environment, ...limits, ...name, IMAGE, ...program.args);
    docker("start", id);
    const probe = health?.probe.kind === "command" ? health.probe.command : [];
    await until("the node is healthy", () => run("docker", ["exec", id, ...probe]).status === 0, 45_000);
  });

  test("refuses clients without an account or with a wrong password", async () => {
    expect(await clients.refusal({})).toMatch(/bad username or password/i);
    expect(await clients.refusal({ ...account, password: "wrong" })).toMatch(/bad username or password/i);
  });

  test("grants a client what its rules allow, and nothing to one that calls itself a pattern", async () => {
    const granted = async (clientId: string, topic: string) => {
      const client = await clients.connect({ ...account, clientId, protocolVersion: 5 });
      const granted = await client.subscribeAsync(topic, { qos: 1 }).then(
        () => true,
        () => false,
      );
      await client.endAsync(true);
      return granted;
    };
    expect(await granted("me", "own/me/#")).toBe(true);
    expect(await granted("me", "größe")).toBe(true);
    expect(await granted("me", "own/you/#")).toBe(false);
    expect(await granted("me", "#")).toBe(false);
    expect(await granted("+", "own/you/#")).toBe(false);
    expect(await granted("#", "own/#")).toBe(false);
  });

  test("has its name, the limits of the definition, and no more listeners than asked for", () => {
    const ask = (...command: string[]) => docker("exec", id, "emqx", ...command);
    expect(ask("ctl", "cluster", "status")).toContain("emqx@broker-1.dev-mqtt.internal");
    const running = [...ask("ctl", "listeners").matchAll(/^(\w+:\w+)\n(?: .*\n)*? +running +: true/gm)].map(
      ([, name]) => name,
    );
    expect(running.sort()).toEqual(["tcp:default", "ws:default"]);
  });

  describe("as one of several", () => {
    const packaged = emqxWorkload(fullDefinition(), packagePlacement());
    const membership = (what: keyof Membership, host: string) => {
      const words = packaged.membership?.[what]?.map((word) => forPeer(word, { host, name: "broker-9" })) ?? [];
      return run("docker", ["exec", id, ...words]);
    };

    beforeAll(() => {
      const { path, content } = packaged.files.find(({ path }) => path.endsWith("/membership"))!;
      docker("exec", "--user", "root", id, "mkdir", "-p", dirname(path));
      docker("cp", writeFile(folder, "membership", content), `${id}:${path}`);
    });

    test("counts itself among the running members, and no stranger", () => {
      expect(membership("sees", "broker-1.dev-mqtt.internal")).toEqual({ status: 0, output: "" });
      expect(membership("sees", "10.0.0.9")).toEqual({
        status: 1,
        output: "emqx@10.0.0.9 is not among the running members\n",
      });
    });

    test("has nothing left to do about a node that is gone already", () => {
      expect(membership("forget", "10.0.0.9")).toEqual({ status: 0, output: "" });
    });

    test("sends its clients away, keeps their sessions, and lets no others in", async () => {
      const client = await clients.connect({
        ...account,
        clientId: "keeps",
        clean: false,
        properties: { sessionExpiryInterval: 600 },
        protocolVersion: 5,
        reconnectPeriod: 0,
      });
      const told = new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));
      expect(membership("drain", "")).toEqual({ status: 0, output: "" });
      expect(await told).toBe(0x9c);
      const another = connect(`mqtt://127.0.0.1:${port}`, { ...account, reconnectPeriod: 0 });
      const answer = (event: "connect" | "close") =>
        new Promise((resolve) => another.once(event, () => resolve(event)));
      expect(await Promise.race([answer("connect"), answer("close")])).toBe("close");
      expect(docker("exec", id, "emqx", "ctl", "clients", "show", "keeps")).toContain("connected=false");
    });
  });

  test("stops by itself in less than its grace", () => {
    docker("stop", "--time", String(program.stopGraceSeconds), id);
    expect(docker("inspect", "--format", "{{.State.ExitCode}}", id)).toBe("0");
  });
});
