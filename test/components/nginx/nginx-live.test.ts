import { once } from "node:events";
import { type BalancerInput, clientConnections, OPERATOR_CONNECTIONS } from "../../../src/components/balancer-input";
import { nginxWorkload } from "../../../src/components/nginx/nginx";
import {
  ask,
  brokersOf,
  connectClient,
  loopbackAddress,
  openConnections,
  ping,
  startBrokers,
  startSilentListeners,
  untilHealthy,
} from "../../support/balanced-bed";
import { describeWithPrograms, temporaryFolder, writeFile } from "../../support/programs";
import { endOf, startServer, until } from "../../support/servers";

const folder = temporaryFolder();

/** Runs it as rendered, but for the address that it listens on and the folder that it writes to. */
function startNginx(input: BalancerInput) {
  const address = loopbackAddress();
  const workload = nginxWorkload(
    { kind: "nginx", version: "1.22", replicas: 1, drainTimeout: 60, algorithm: "leastConnections" },
    input,
  );
  const [{ content, path }] = workload.files;
  const file = writeFile(
    folder,
    `${address}.conf`,
    content.replaceAll("listen ", `listen ${address}:`).replaceAll("/tmp/", `${folder}/${address}-`),
  );
  const server = startServer(
    "nginx",
    workload.process.args.map((arg) => (arg === path ? file : arg)),
  );
  return { address, workload, server };
}

const activeConnections = async (address: string) =>
  Number(/Active connections: (\d+)/.exec((await ask(address, "/status")).text)?.[1]);

describeWithPrograms(["nginx"], "nginx in front of brokers", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: true, check: "mqtt-connect" });
  const port = input.brokers.tcpPort;
  const { address, workload, server } = startNginx(input);
  const connectMany = (name: string, count = 12) =>
    Promise.all(Array.from({ length: count }, (_, n) => connectClient(address, port, `${name}-${n}`)));

  beforeAll(() => untilHealthy(address));

  test("the broker sees the client's own address, and every broker gets clients", async () => {
    const clients = await connectMany("spread");
    for (const { id, socket } of clients) {
      const line = `${id} ${socket.localAddress}:${socket.localPort}\n`;
      await until(line, async () => brokers.some((broker) => broker.log().includes(line)));
    }
    expect(new Set(clients.flatMap(({ id }) => brokersOf(brokers, id))).size).toBe(3);
  });

  test("the status page counts MQTT clients", async () => {
    const before = await activeConnections(address);
    await connectMany("counted", 5);
    expect((await activeConnections(address)) - before).toBe(5);
  });

  test("a reload cuts nobody and turns nobody away", async () => {
    const clients = await connectMany("before-reload");
    let reloading = true;
    const newcomers = (async () => {
      let count = 0;
      while (reloading) {
        (await connectClient(address, port, `newcomer-${count++}`)).socket.destroy();
      }
      return count;
    })();
    server.process.kill("SIGHUP");
    await until("the old workers accept no more", async () => /gracefully shutting down/.test(server.log()));
    await untilHealthy(address);
    reloading = false;
    expect(await newcomers).toBeGreaterThan(5);
    expect(await Promise.all(clients.map(ping))).toEqual(clients.map(() => "d000"));
  });

  test("a killed broker costs no new client its connection", async () => {
    brokers[0].process.kill("SIGKILL");
    await once(brokers[0].process, "exit");
    await connectMany("after-kill", 30);
  });

  test("a hung broker stays in the pool, as the note says", async () => {
    expect(workload.notes).toContainEqual(expect.stringMatching(/hung broker .* stays in the pool/));
    brokers[1].process.kill("SIGSTOP");
    const answers = Array.from({ length: 6 }, (_, n) =>
      connectClient(address, port, `during-hang-${n}`).then(() => true),
    );
    const aWhile = new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000));
    const answered = await Promise.all(answers.map((answer) => Promise.race([answer, aWhile])));
    expect(new Set(answered)).toEqual(new Set([true, false]));
    brokers[1].process.kill("SIGCONT");
    await Promise.all(answers);
  });
});

describeWithPrograms(["nginx"], "nginx when every slot is taken", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: false, check: "mqtt-connect" });
  const hosts = brokers.map(({ host }) => host);
  const [wsPort, dashboardPort] = [startSilentListeners(hosts), startSilentListeners(hosts)];
  const { address, workload, server } = startNginx({
    ...input,
    clients: { maxConnections: 300, maxKeepalive: 300 },
    brokers: { ...input.brokers, ws: { port: wsPort, path: "/mqtt" }, dashboardPort },
  });
  const slots = clientConnections({ maxConnections: 300, maxKeepalive: 300 });

  beforeAll(() => untilHealthy(address));

  test("clients of both ports and operators are held to their limits; health and status still answer", async () => {
    const [mqtt, ws] = [input.brokers.tcpPort, wsPort].map((port) => openConnections(address, port, slots));
    const operators = openConnections(address, dashboardPort, OPERATOR_CONNECTIONS + 20);
    await until("the rest is turned away", async () => mqtt.closed + ws.closed === slots && operators.closed === 20);
    // The one that asks is counted, too.
    expect(await activeConnections(address)).toBe(slots + OPERATOR_CONNECTIONS + 1);
    expect((await ask(address, "/health")).status).toBe(200);
    expect(server.log()).not.toMatch(/worker_connections are not enough/);
  });

  test("it stops at once and cleanly, although its clients stay", async () => {
    const { status, after } = await endOf(server, workload.process.stopSignal);
    expect(status).toBe(0);
    expect(after).toBeLessThan(1_500);
  });
});
