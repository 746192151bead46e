import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BalancerInput, clientConnections, OPERATOR_CONNECTIONS } from "../../../src/components/balancer-input";
import { haproxyWorkload } from "../../../src/components/haproxy/haproxy";
import type { HaproxyDefinition } from "../../../src/definition/cluster";
import { forPeer } from "../../../src/formats/references";
import {
  ask,
  brokersOf,
  connectClient,
  exchange,
  loopbackAddress,
  openConnections,
  ping,
  startBrokers,
  startSilentListeners,
  untilHealthy,
} from "../../support/balanced-bed";
import { describeWithPrograms, run, temporaryFolder, writeFile } from "../../support/programs";
import { endOf, startServer, until } from "../../support/servers";

const folder = temporaryFolder();

/** Runs it as rendered, but for the address that it listens on and checks that are ten times as fast. */
function startHaproxy(input: BalancerInput, algorithm: HaproxyDefinition["algorithm"]) {
  const address = loopbackAddress();
  const workload = haproxyWorkload(
    { kind: "haproxy", version: "2.6", replicas: 1, drainTimeout: 60, algorithm },
    input,
  );
  const [{ content, path }, ...others] = workload.files;
  for (const other of others) {
    writeFile("/", other.path, other.content);
  }
  const file = writeFile(
    folder,
    `${address}.cfg`,
    content
      .replaceAll("bind :", `bind ${address}:`)
      .replace(/inter \d+s fastinter \d+s/, "inter 200ms fastinter 100ms")
      .replace(/timeout check \d+s/, "timeout check 500ms"),
  );
  const args = workload.process.args.map((arg) => (arg === path ? file : arg));
  // It must start with no more files than it asks for.
  const limited = `ulimit -n ${workload.process.openFiles} && exec haproxy "$@"`;
  return { address, workload, server: startServer("sh", ["-c", limited, "sh", ...args]) };
}

const metrics = async (address: string) => (await ask(address, "/metrics")).text;

const untilMetric = (address: string, line: string) =>
  until(line, async () => (await metrics(address)).includes(`${line}\n`));

const serverIs = (state: "UP" | "DOWN", name: string, proxy = "mqtt-brokers") =>
  `haproxy_server_status{proxy="${proxy}",server="${name}",state="${state}"} 1`;

/** HAProxy takes brokers for up until their first check has failed: only passed checks count. */
async function untilAllAreUp(address: string): Promise<void> {
  for (const server of ["broker-1", "broker-2", "broker-3"]) {
    await untilMetric(address, `haproxy_server_check_status{proxy="mqtt-brokers",server="${server}",state="L7OK"} 1`);
    await untilMetric(address, serverIs("UP", server));
  }
}

describeWithPrograms(["haproxy"], "two HAProxys that spread by client id", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: true, check: "mqtt-connect" });
  const port = input.brokers.tcpPort;
  const [one, two] = [startHaproxy(input, "clientId").address, startHaproxy(input, "clientId").address];

  beforeAll(async () => {
    for (const address of [one, two]) {
      await untilAllAreUp(address);
    }
  });

  test("brokers see a check as a client without an id, behind a PROXY header that they accept", () => {
    for (const broker of brokers) {
      expect(broker.log()).toMatch(/^ 127\.0\.0\.1:1$/m);
      expect(broker.log()).not.toMatch(/refused/);
    }
  });

  test("both choose the same broker for a client id, also for long ones with a common beginning", async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `plant-7/hall-3/line-12/machine-0815/sensor-${n}`);
    await Promise.all([one, two].flatMap((address) => ids.map((id) => connectClient(address, port, id))));
    const chosen = await until("brokers printed every client twice", async () => {
      const names = ids.map((id) => brokersOf(brokers, id));
      return names.every(({ length }) => length === 2) && names;
    });
    expect(chosen.filter(([first, second]) => first === second)).toHaveLength(30);
    expect(new Set(chosen.flat()).size).toBe(3);
  });

  test("the broker sees the client's own address", async () => {
    const { socket } = await connectClient(one, port, "who-am-i");
    const line = `who-am-i ${socket.localAddress}:${socket.localPort}\n`;
    await until(line, async () => brokers.some((broker) => broker.log().includes(line)));
  });

  test("a CONNECT of any size is answered at once", async () => {
    const begin = Date.now();
    for (const [id, will] of Object.entries({ "": 0, small: 0, "one-buffer": 15_400, large: 60_000 })) {
      await connectClient(one, port, id, will);
    }
    expect(Date.now() - begin).toBeLessThan(2_000);
  });

  test("what is not MQTT is closed at once, and no broker sees it", async () => {
    const begin = Date.now();
    expect(await exchange(one, port, Buffer.from("GET / HTTP/1.1\r\nHost: mqtt\r\n\r\n"))).toBe("");
    expect(await exchange(one, port, Buffer.alloc(40_000, "x"))).toBe("");
    expect(Date.now() - begin).toBeLessThan(2_000);
    expect(await metrics(one)).toContain('haproxy_frontend_requests_denied_total{proxy="mqtt"} 2\n');
  });
});

describeWithPrograms(["haproxy"], "HAProxy when brokers fail", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: false, check: "mqtt-connect" });
  const port = input.brokers.tcpPort;
  const { address, server, workload } = startHaproxy(input, "leastConnections");
  const connectMany = async (name: string, count = 12) => {
    const clients = await Promise.all(
      Array.from({ length: count }, (_, n) => connectClient(address, port, `${name}-${n}`)),
    );
    // A client may have its CONNACK before the broker's output is here.
    await until("brokers printed every client", async () =>
      clients.every(({ id }) => brokersOf(brokers, id).length > 0),
    );
    return clients;
  };
  const kill = (broker: number) => {
    brokers[broker].process.kill("SIGKILL");
    return once(brokers[broker].process, "exit");
  };

  beforeAll(() => untilAllAreUp(address));

  test("every metric that an alert asks for is there", async () => {
    const names = workload.alerts.flatMap(({ expr }) => expr.match(/haproxy_\w+/g) ?? []);
    const text = await metrics(address);
    expect(names.filter((name) => !text.includes(`\n${name}`))).toEqual([]);
    expect(names.length).toBeGreaterThan(4);
  });

  test("a hung broker is noticed, its clients are cut, and it comes back", async () => {
    const clients = await connectMany("before-hang");
    const hung = clients.filter(({ id }) => brokersOf(brokers, id).includes("broker-1"));
    expect(hung.length).toBeGreaterThan(0);
    brokers[0].process.kill("SIGSTOP");
    await untilMetric(address, serverIs("DOWN", "broker-1"));
    await Promise.all(hung.map(({ closed }) => closed));
    expect(clients.filter((client) => client.isClosed())).toHaveLength(hung.length);
    await connectMany("during-hang");
    brokers[0].process.kill("SIGCONT");
    await untilMetric(address, serverIs("UP", "broker-1"));
  });

  test("a reload cuts nobody and turns nobody away", async () => {
    const clients = await connectMany("before-reload");
    let reloading = true;
    const newcomers = (async () => {
      let count = 0;
      while (reloading) {
        (await connectClient(address, port, `newcomer-${count}`)).socket.destroy();
        count++;
      }
      return count;
    })();
    server.process.kill("SIGUSR2");
    await until("the old worker accepts no more", async () => /Proxy mqtt stopped/.test(server.log()));
    await untilHealthy(address);
    reloading = false;
    expect(await newcomers).toBeGreaterThan(10);
    expect(await Promise.all(clients.map(ping))).toEqual(clients.map(() => "d000"));
  });

  test("a killed broker costs no new client its connection", async () => {
    await kill(0);
    await connectMany("after-kill", 30);
    await untilMetric(address, serverIs("DOWN", "broker-1"));
  });

  test("it is healthy while one broker is left", async () => {
    await kill(1);
    await untilMetric(address, serverIs("DOWN", "broker-2"));
    expect((await ask(address, "/health")).status).toBe(200);
    await kill(2);
    await until("it is not healthy", async () => (await ask(address, "/health")).status === 503);
  });
});

describeWithPrograms(["haproxy", "socat", "shellcheck"], "brokers that leave the pool of HAProxy and come back", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: false, check: "http" });
  const port = input.brokers.tcpPort;
  const wsPort = startSilentListeners(brokers.map(({ host }) => host));
  mkdirSync(join(folder, "runtime"));
  const { address, server, workload } = startHaproxy(
    {
      ...input,
      brokers: { ...input.brokers, ws: { port: wsPort, path: "/mqtt" } },
      software: "package",
      folder: (_workload, use) => join(folder, use),
    },
    "leastConnections",
  );
  const hostOf = (name: string) => brokers[Number(name.slice(-1)) - 1]?.host ?? "";
  const pool = (verb: "drain" | "admit", name: string, patience = "seq 60", host = hostOf(name)) => {
    const command = (workload.pool?.[verb] ?? []).map((word) => forPeer(word, { name, host }));
    const script = readFileSync(command[1], "utf8").replace("seq 60", patience);
    return run(command[0], ["-c", script, ...command.slice(1)]);
  };
  const sessionsOf = async (broker: string, proxy: string) =>
    (await metrics(address)).includes(`haproxy_server_current_sessions{proxy="${proxy}",server="${broker}"} 0\n`)
      ? 0
      : 1;
  const connectSome = async (name: string) => {
    const clients = await Promise.all(
      Array.from({ length: 9 }, (_, n) => connectClient(address, port, `${name}-${n}`)),
    );
    await until("brokers printed every client", () => clients.every(({ id }) => brokersOf(brokers, id).length > 0));
    return clients;
  };

  beforeAll(() => untilAllAreUp(address));

  test("the rest are untouched, new clients go elsewhere, and nobody is left on any port or behind a reload", async () => {
    const clients = await connectSome("before-reload");
    server.process.kill("SIGUSR2");
    await until("the old worker accepts no more", () => /Proxy mqtt stopped/.test(server.log()));
    await untilAllAreUp(address);
    clients.push(...(await connectSome("after-reload")));
    openConnections(address, wsPort, 9);
    await until("all brokers have some", async () => (await sessionsOf("broker-2", "ws-brokers")) > 0);

    expect(pool("drain", "broker-2")).toEqual({ status: 0, output: "" });
    const gone = clients.filter(({ id }) => brokersOf(brokers, id).includes("broker-2"));
    expect(gone.length).toBeGreaterThan(4);
    await Promise.all(gone.map(({ closed }) => closed));
    const stayed = clients.filter((client) => !gone.includes(client));
    expect(await Promise.all(stayed.map(ping))).toEqual(stayed.map(() => "d000"));
    expect(await sessionsOf("broker-2", "ws-brokers")).toBe(0);
    const later = await connectSome("after-drain");
    expect(later.flatMap(({ id }) => brokersOf(brokers, id))).not.toContain("broker-2");
  });

  test("one that is back gets clients when it has passed the checks", async () => {
    expect(pool("admit", "broker-2")).toEqual({ status: 0, output: "" });
    expect(await metrics(address)).toContain(serverIs("UP", "broker-2"));
    const clients = await connectSome("after-admit");
    expect(clients.flatMap(({ id }) => brokersOf(brokers, id))).toContain("broker-2");
  });

  test("one that fails the checks is told of", () => {
    pool("drain", "broker-3");
    brokers[2].process.kill("SIGSTOP");
    expect(pool("admit", "broker-3", "seq 3")).toEqual({
      status: 1,
      output: expect.stringMatching(/^broker-3 does not pass the checks .*: its state is DOWN\n$/),
    });
    brokers[2].process.kill("SIGCONT");
  });

  test("one that HAProxy does not know yet, or no more, is out already and comes in with the configuration", () => {
    expect(pool("drain", "broker-9")).toEqual({ status: 0, output: "" });
    expect(pool("admit", "broker-9")).toEqual({ status: 0, output: "" });
  });

  test("one that has moved to another host comes in with the configuration that knows it there", () => {
    pool("drain", "broker-3");
    brokers[2].process.kill("SIGSTOP");
    expect(pool("admit", "broker-3", "seq 3", "10.99.99.99")).toEqual({ status: 0, output: "" });
    brokers[2].process.kill("SIGCONT");
  });

  test("a reload that failed is told of until one succeeds", async () => {
    const path = join(folder, `${address}.cfg`);
    const good = readFileSync(path, "utf8");
    const [command, ...args] = workload.reloadCheck ?? [];
    const check = () => run(command, args).status;
    expect(check()).toBe(0);
    writeFileSync(path, good.replace("frontend mqtt", "frontend"));
    server.process.kill("SIGUSR2");
    await until("the check fails", () => check() !== 0);
    writeFileSync(path, good);
    server.process.kill("SIGUSR2");
    await until("the check passes", () => check() === 0);
    await untilAllAreUp(address);
  });

  test("HAProxy that does not run has nobody to send away, and nobody to send", async () => {
    await server.stop();
    expect(pool("drain", "broker-1")).toEqual({
      status: 0,
      output: expect.stringMatching(/^HAProxy does not run here/),
    });
    expect(pool("admit", "broker-1")).toEqual({
      status: 1,
      output: expect.stringMatching(/^HAProxy does not run here/),
    });
  });

  test("shellcheck finds nothing", () => {
    expect(run("shellcheck", [join(folder, "configuration/pool.sh")])).toEqual({ status: 0, output: "" });
  });
});

describeWithPrograms(["haproxy"], "HAProxy when every slot is taken", () => {
  const { input, brokers } = startBrokers({ proxyProtocol: false, check: "mqtt-connect" });
  const hosts = brokers.map(({ host }) => host);
  const [wsPort, dashboardPort] = [startSilentListeners(hosts), startSilentListeners(hosts)];
  // More than the reserve: both frontends together must be what fills the process, if anything does.
  const clients = { maxConnections: 300, maxKeepalive: 300 };
  const { address, server, workload } = startHaproxy(
    { ...input, clients, brokers: { ...input.brokers, ws: { port: wsPort, path: "/mqtt" }, dashboardPort } },
    "leastConnections",
  );
  const slots = clientConnections(clients);

  beforeAll(() => untilAllAreUp(address));

  test("health and metrics still answer", async () => {
    openConnections(address, input.brokers.tcpPort, slots + 20);
    openConnections(address, wsPort, slots + 20);
    openConnections(address, dashboardPort, OPERATOR_CONNECTIONS + 20);
    await untilMetric(address, `haproxy_frontend_current_sessions{proxy="mqtt"} ${slots}`);
    await untilMetric(address, `haproxy_frontend_current_sessions{proxy="ws"} ${slots}`);
    await untilMetric(address, `haproxy_frontend_current_sessions{proxy="dashboard"} ${OPERATOR_CONNECTIONS}`);
    expect((await ask(address, "/health")).status).toBe(200);
  });

  test("it stops at once and cleanly, although its clients stay", async () => {
    const { status, after } = await endOf(server, workload.process.stopSignal);
    expect(status).toBe(0);
    expect(after).toBeLessThan(1_000);
  });
});
