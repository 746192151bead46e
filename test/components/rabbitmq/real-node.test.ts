import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { get as httpGet } from "node:http";
import { connect as connectTcp } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type IClientOptions, MqttClient } from "mqtt";
import { Access, Broker, Monitoring, Secret, SessionStore } from "../../../src";
import { checkLines } from "../../../src/components/haproxy/haproxy-checks";
import { DISTRIBUTION_PORT, METRICS_PORT } from "../../../src/components/rabbitmq/config";
import { HEALTH_USER } from "../../../src/components/rabbitmq/definitions";
import { rabbitmqInterface, rabbitmqWorkload } from "../../../src/components/rabbitmq/rabbitmq";
import { forInstance, forPeer, resolveSecrets } from "../../../src/formats/references";
import type { FolderUse } from "../../../src/placement/placement";
import type { Membership, WorkloadName } from "../../../src/workload";
import { fullDefinition, packagePlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, run, temporaryFolder, writeFile } from "../../support/programs";
import { until } from "../../support/servers";
import { healthCommand } from "../../support/workloads";

const HOST = "127.0.0.1";
const [TCP, WS, METRICS, DISTRIBUTION, EPMD] = Array.from({ length: 5 }, freePort);

const DEFINITION = fullDefinition({
  broker: Broker.rabbitmq({ version: "3.10", nodes: 1, listeners: { tcpPort: TCP, wsPort: WS }, memory: "512MB" }),
  sessionStore: SessionStore.builtIn(),
  access: Access.passwords({
    users: ["sensors", "backend", "idle"].map((name) => ({ name, password: Secret.variable(`${name}_password`) })),
    rules: [
      { users: ["sensors"], action: "publish", topics: ["sensors/${username}/#"] },
      { users: ["backend"], action: "subscribe", topics: ["sensors/#", "rooms/+"] },
    ],
  }),
  monitoring: Monitoring.none(),
});
const folder = temporaryFolder();
const PLACEMENT = {
  ...packagePlacement(),
  folder: (_workload: WorkloadName, use: FolderUse) => join(folder, use),
  instances: () => [{ ordinal: 1, name: "broker-1", host: HOST }],
};
const WORKLOAD = rabbitmqWorkload(DEFINITION, PLACEMENT);
const AMONG_OTHERS = rabbitmqWorkload({ ...DEFINITION, broker: { ...DEFINITION.broker, nodes: 3 } }, PLACEMENT);

/** One real node from the rendered files. A key that it does not know stops its start. */
describeWithPrograms(["rabbitmq-server", "epmd", "bash"], "a node from the rendered files", () => {
  let node: ChildProcess;
  let log = "";

  /** Own ports instead of those that only one node of a machine can have. */
  const here = (text: string) =>
    text.replaceAll(String(METRICS_PORT), String(METRICS)).replaceAll(String(DISTRIBUTION_PORT), String(DISTRIBUTION));

  const environment = {
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    ...Object.fromEntries(
      Object.entries(WORKLOAD.process.environment).map(([name, value]) => [
        name,
        forInstance(value, { host: HOST, name: "broker-1" }),
      ]),
    ),
    RABBITMQ_DIST_PORT: String(DISTRIBUTION),
    ERL_EPMD_PORT: String(EPMD),
    ERL_EPMD_ADDRESS: HOST,
  };

  /** What one of the workload's commands about another node says, and its status. */
  function membership(what: keyof Membership, peer: string) {
    const [command, ...args] = AMONG_OTHERS.membership?.[what] ?? [];
    const words = args.map((arg) => forPeer(arg, { host: peer, name: "broker-9" }));
    const { status, stdout, stderr } = spawnSync(command, words, { encoding: "utf8", env: environment });
    return { status, output: `${stdout}${stderr}`.trim() };
  }

  const memberCheck = () => {
    const [command, ...args] = healthCommand(WORKLOAD);
    return run(
      command,
      args.map((arg) => here(forInstance(arg, { host: HOST, name: "broker-1" }))),
    );
  };

  beforeAll(async () => {
    for (const { path, content, mode } of WORKLOAD.files) {
      const text = resolveSecrets(here(content), {
        literal: (literal) => literal,
        secret: ({ name }) => `value-of-${name}`,
        basicAuth: () => "",
      });
      chmodSync(writeFile("/", path, text), mode);
    }
    writeFile(folder, "data/.keep", "");
    const { command = [] } = WORKLOAD.package ?? {};
    node = spawn(command[0], [...command.slice(1), ...WORKLOAD.process.args], { env: environment });
    for (const stream of [node.stdout, node.stderr]) {
      stream?.on("data", (data) => {
        log += data;
      });
    }
    await until("the node is healthy", async () => memberCheck().status === 0, 40_000).catch((error) => {
      throw new Error(`${error.message}: ${memberCheck().output}\n${log.slice(-3000)}`);
    });
  });

  afterAll(async () => {
    const ended = new Promise((resolve) => node.once("close", resolve));
    node.kill(WORKLOAD.process.stopSignal);
    await ended;
    run("epmd", ["-port", String(EPMD), "-kill"]);
  });

  /** A client as the balancer passes it on. */
  function connect(options: IClientOptions, host = HOST): Promise<MqttClient> {
    const client = new MqttClient(
      () => {
        const socket = connectTcp(TCP, host);
        socket.write(`PROXY TCP4 203.0.113.7 ${HOST} 4711 ${TCP}\r\n`);
        return socket;
      },
      { reconnectPeriod: 0, connectTimeout: 5_000, ...options },
    );
    return new Promise((resolve, reject) => {
      client.once("connect", () => resolve(client));
      client.on("error", reject);
      client.once("close", () => reject(new Error("closed")));
    });
  }

  const as = (user: string) => connect({ username: user, password: `value-of-${user}_password` });

  /** Resolves to whether a QoS 1 message is acknowledged; RabbitMQ 3.10 cuts the client off when it is refused. */
  async function mayPublish(user: string, topic: string): Promise<boolean> {
    const client = await as(user);
    const refused = new Promise<boolean>((resolve) => client.once("close", () => resolve(false)));
    const accepted = client.publishAsync(topic, "x", { qos: 1 }).then(
      () => true,
      () => false,
    );
    const verdict = await Promise.race([accepted, refused]);
    await client.endAsync(true);
    return verdict;
  }

  async function maySubscribe(user: string, filter: string): Promise<boolean> {
    const client = await as(user);
    const refused = new Promise<boolean>((resolve) => client.once("close", () => resolve(false)));
    const granted = client.subscribeAsync(filter, { qos: 1 }).then(
      (grants) => grants.every(({ qos }) => qos === 1),
      () => false,
    );
    const verdict = await Promise.race([granted, refused]);
    await client.endAsync(true);
    return verdict;
  }

  test("wrong passwords, no password and the default user are refused", async () => {
    await expect(connect({ username: "sensors", password: "wrong" })).rejects.toThrow(/refused/i);
    await expect(connect({})).rejects.toThrow(/refused/i);
    await expect(connect({ username: "guest", password: "guest" })).rejects.toThrow(/refused/i);
  });

  test("a message goes from one user to another", async () => {
    const [backend, sensors] = [await as("backend"), await as("sensors")];
    const received = new Promise((resolve) =>
      backend.once("message", (topic, payload) => resolve(`${topic} ${payload}`)),
    );
    await backend.subscribeAsync("sensors/+/t", { qos: 1 });
    await sensors.publishAsync("sensors/sensors/t", "21", { qos: 1 });
    expect(await received).toBe("sensors/sensors/t 21");
    await Promise.all([backend.endAsync(), sensors.endAsync()]);
  });

  test.each([
    ["sensors", "sensors/sensors/t", true],
    ["sensors", "sensors/sensors", true],
    ["sensors", "sensors/sensorsX", false],
    ["sensors", "sensors/other/t", false],
    ["backend", "sensors/sensors/t", false],
    ["idle", "anything", false],
  ])("%s may publish to %s: %s", async (user, topic, expected) => {
    expect(await mayPublish(user, topic)).toBe(expected);
  });

  test.each([
    ["backend", "sensors/#", true],
    ["backend", "rooms/+", true],
    ["backend", "rooms/#", false],
    ["backend", "#", false],
    ["sensors", "sensors/sensors/t", false],
    ["idle", "anything", false],
  ])("%s may subscribe to %s: %s", async (user, filter, expected) => {
    expect(await maySubscribe(user, filter)).toBe(expected);
  });

  test("the user of the health check comes from the instance itself only, and may do nothing", async () => {
    const credentials = { username: HEALTH_USER, password: HEALTH_USER };
    const client = await connect(credentials);
    const cut = new Promise<void>((resolve) => client.once("close", () => resolve()));
    client.publish("sensors/sensors/t", "x", { qos: 1 });
    await cut;
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === "IPv4" && !address.internal);
    if (outside) {
      await expect(connect(credentials, outside.address)).rejects.toThrow(/refused/i);
    }
  });

  test("a check of HAProxy's is answered, and logged in two lines", async () => {
    const bytes = checkLines(rabbitmqInterface(DEFINITION))
      .filter((line) => line.startsWith("tcp-check send-binary "))
      .map((line) => line.split(" ")[2]);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectTcp(TCP, HOST).once("error", reject);
      socket.once("data", (data) => resolve(data.toString("hex")));
      socket.write(Buffer.from(bytes.join(""), "hex"));
    });
    expect(answer).toMatch(/^2002/);
    // Every connection has an Erlang process of its own, whose id is in its lines.
    const process = () => /(<[\d.]+>) MQTT connection 127\.0\.0\.1:1 -> /.exec(log)?.[1];
    await until("it is logged", async () => process() !== undefined);
    const lines = log.split("\n").filter((line) => line.includes(`${process()} `));
    expect(lines).toEqual([
      expect.stringMatching(/\[error\].* MQTT login failed: no credentials provided/),
      expect.stringMatching(/\[error\].* is closing due to an authentication failure/),
    ]);
    // The notes say 10 MB a day, at a check every two seconds.
    expect((lines.join("\n").length * 43_200) / 1e6).toBeCloseTo(10, -1);
  });

  test("nobody listens for AMQP, and the memory limit is the one defined", async () => {
    expect(log).toContain("Memory high watermark set to 204 MiB");
    expect(log).not.toMatch(/started TCP listener/);
  });

  test("the metrics that alerts read are there", async () => {
    const metrics = await (await fetch(`http://${HOST}:${METRICS}/metrics`)).text();
    const names = WORKLOAD.alerts.flatMap(({ expr }) => expr.match(/\b(?:rabbitmq|erlang)_[a-z_]+(?=\{)/g) ?? []);
    expect(names.length).toBeGreaterThan(4);
    // A link to another node needs another node.
    expect(names.filter((name) => !metrics.includes(`\n# TYPE ${name} `))).toEqual([]);
  });

  test("it counts itself among the running members, and no stranger", () => {
    expect(membership("sees", HOST)).toEqual({ status: 0, output: "" });
    expect(membership("sees", "127.0.0.9")).toEqual({
      status: 1,
      output: "rabbit@127.0.0.9 is not among the running members",
    });
  });

  test("nothing is left to be done about a node that is gone already", () => {
    expect(membership("release", "127.0.0.9")).toEqual({ status: 0, output: "" });
    expect(membership("forget", "127.0.0.9")).toEqual({ status: 0, output: "" });
  });

  test("what lives on it alone, it does not give away", async () => {
    const client = await connect({
      username: "backend",
      password: "value-of-backend_password",
      clientId: "keeps",
      clean: false,
    });
    await client.subscribeAsync("rooms/1", { qos: 1 });
    await client.endAsync();
    expect(membership("release", HOST)).toMatchObject({ output: expect.stringContaining("no_majority_without") });
    expect(membership("release", HOST).status).not.toBe(0);
  });

  /** Opens a WebSocket as the balancer passes it on, and says nothing on it. */
  function silentWebSocket(): Promise<Duplex> {
    const header = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    const request = httpGet({
      path: "/ws",
      headers: { ...header, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "mqtt" },
      createConnection: () => {
        const socket = connectTcp(WS, HOST);
        socket.write(`PROXY TCP4 203.0.113.7 ${HOST} 4712 ${WS}\r\n`);
        return socket;
      },
    });
    return new Promise((resolve, reject) => {
      request.once("upgrade", (_answer, socket) => resolve(socket.resume()));
      request.once("error", reject);
    });
  }

  // The last, because no client gets in from here on.
  test("it sends its clients away, also those that never log in, and lets no others in", async () => {
    const clients = [await as("backend"), await silentWebSocket()];
    const closed = Promise.all(clients.map((client) => new Promise<void>((resolve) => client.once("close", resolve))));
    expect(membership("drain", HOST)).toEqual({ status: 0, output: "" });
    await closed;
    await expect(as("backend")).rejects.toThrow(/ECONNREFUSED|closed/);
    expect(membership("drain", HOST)).toEqual({ status: 0, output: "" });
  });
});
