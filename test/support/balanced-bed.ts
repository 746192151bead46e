import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { BalancerInput } from "../../src/components/balancer-input";
import type { BrokerInterface } from "../../src/components/broker-interface";
import { BALANCER_METRICS_PORT } from "../../src/definition/cross-checks";
import type { Instance } from "../../src/workload";
import { balancerInput } from "./balancers";
import { freePort } from "./programs";
import { type RunningServer, startServer, until } from "./servers";

/** A loopback address of its own for each server, because balancer and brokers use the same ports. */
export function loopbackAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
}

export interface TinyBroker extends RunningServer, Instance {}

/** Three small brokers, and what a balancer must know of them. */
export function startBrokers(
  brokers: Pick<BrokerInterface, "proxyProtocol"> & { readonly check: BrokerInterface["check"]["kind"] },
): { input: BalancerInput; brokers: TinyBroker[] } {
  afterAll(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  const [tcpPort, httpPort] = [freePort(), freePort()];
  const started = [1, 2, 3].map((n) => {
    const host = loopbackAddress();
    const script = join(__dirname, "tiny-broker.js");
    const server = startServer(process.execPath, [
      script,
      host,
      `${tcpPort}`,
      `${httpPort}`,
      brokers.proxyProtocol ? "proxy" : "plain",
    ]);
    return { ordinal: n, name: `broker-${n}`, host, ...server };
  });
  beforeAll(() => until("every broker listens", async () => started.every(({ log }) => log().startsWith("listening"))));
  const check =
    brokers.check === "http"
      ? ({ kind: "http", port: httpPort, path: "/status" } as const)
      : ({ kind: "mqtt-connect", port: tcpPort } as const);
  const { proxyProtocol } = brokers;
  return { input: balancerInput({ brokers: { tcpPort, proxyProtocol, check }, servers: started }), brokers: started };
}

/** Servers that take connections on this port and say nothing, as the brokers' other listeners. */
export function startSilentListeners(hosts: readonly string[]): number {
  const port = freePort();
  const servers: Server[] = [];
  beforeAll(() =>
    Promise.all(
      hosts.map((host) => {
        const server = createServer((socket) => {
          sockets.add(socket);
          socket.on("error", () => {});
        });
        servers.push(server);
        return once(server.listen(port, host), "listening");
      }),
    ),
  );
  afterAll(() => servers.map((server) => server.close()));
  return port;
}

/** What the balancer at this address answers on its port for metrics and health. */
export async function ask(address: string, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${address}:${BALANCER_METRICS_PORT}${path}`, {
    headers: { connection: "close" },
  });
  return { status: response.status, text: await response.text() };
}

export function untilHealthy(address: string): Promise<unknown> {
  return until(`${address} is healthy`, async () => (await ask(address, "/health")).status === 200);
}

const sockets = new Set<Socket>();

/** A client that sent CONNECT and got a CONNACK. */
export interface Client {
  readonly id: string;
  readonly socket: Socket;
  readonly closed: Promise<void>;
  isClosed(): boolean;
}

/** @param will Bytes of a will message, for a CONNECT of any size. */
export function connectClient(address: string, port: number, id: string, will = 0): Promise<Client> {
  const socket = connect({ host: address, port });
  let isClosed = false;
  const closed = new Promise<void>((resolve) =>
    socket.once("close", () => {
      isClosed = true;
      resolve();
    }),
  );
  socket.on("error", () => {});
  sockets.add(socket);
  socket.write(connectPacket(id, will));
  return new Promise((resolve, reject) => {
    socket.once("data", () => resolve({ id, socket, closed, isClosed: () => isClosed }));
    closed.then(() => reject(new Error(`${id} was turned away`)));
  });
}

/** Opens connections, each with a CONNECT, without waiting for anything; counts those that were closed. */
export function openConnections(address: string, port: number, count: number): { closed: number } {
  const opened = { closed: 0 };
  for (let n = 0; n < count; n++) {
    const socket = connect({ host: address, port });
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => {
      opened.closed++;
    });
    socket.write(connectPacket(`${port}-${n}`, 0));
  }
  return opened;
}

/** Sends bytes, and returns all that came back until the connection was closed. */
export function exchange(address: string, port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ host: address, port });
  let answer = "";
  socket.on("error", () => {});
  socket.on("data", (data) => {
    answer += data.toString("hex");
  });
  socket.write(bytes);
  return new Promise((resolve) => socket.once("close", () => resolve(answer)));
}

/** Answers a PINGREQ: the connection works, to the broker and back. */
export function ping({ id, socket }: Client): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("data", (data) => resolve(data.toString("hex")));
    socket.once("close", () => reject(new Error(`${id} was cut`)));
    socket.write(Buffer.from([0xc0, 0]));
  });
}

function connectPacket(id: string, will: number): Buffer {
  const text = (value: string | Buffer) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
  };
  const body = Buffer.concat([
    text("MQTT"),
    Buffer.from([4, will > 0 ? 6 : 2, 0, 60]),
    text(id),
    ...(will > 0 ? [text("will"), text(Buffer.alloc(will, "w"))] : []),
  ]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0 || length.length === 0; rest = Math.floor(rest / 128)) {
    length.push((rest % 128) + (rest >= 128 ? 128 : 0));
  }
  return Buffer.concat([Buffer.from([0x10, ...length]), body]);
}

/** `broker-2` for each CONNECT with this client id. */
export function brokersOf(brokers: readonly TinyBroker[], id: string): string[] {
  return brokers.flatMap(({ name, log }) =>
    log()
      .split("\n")
      .filter((line) => line.startsWith(`${id} `))
      .map(() => name),
  );
}
