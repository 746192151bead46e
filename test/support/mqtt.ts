import { randomBytes } from "node:crypto";
import { connect, connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { until } from "./servers";

/** The real MQTT clients of one test file, ended when it ends. */
export class MqttClients {
  private readonly clients: MqttClient[] = [];

  /** @param url Or what finds it out, when the first client comes. */
  public constructor(private readonly url: string | (() => string)) {
    afterAll(() => Promise.all(this.clients.map((client) => client.endAsync(true))));
  }

  public get address(): string {
    return typeof this.url === "string" ? this.url : this.url();
  }

  public async connect(options: IClientOptions): Promise<MqttClient> {
    const client = await connectPatiently(this.address, {
      clientId: `test-${randomBytes(6).toString("hex")}`,
      keepalive: 10,
      reconnectPeriod: 100,
      connectTimeout: 5_000,
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  /** The broker's answer to a CONNECT that should be refused. */
  public async refusal(options: IClientOptions): Promise<string> {
    try {
      await (await connectAsync(this.address, { ...options, reconnectPeriod: 0 })).endAsync(true);
      return "accepted";
    } catch (error) {
      return (error as Error).message;
    }
  }
}

/** Connects as devices do: whoever is not let in, or not answered in time, tries again. */
export async function connectPatiently(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = connect(url, { reconnectOnConnackError: true, ...options });
  let refusal: Error | undefined;
  client.on("error", (error) => {
    // Later, too: reconnects are what several tests are about.
    refusal = error;
  });
  try {
    await until("a client is let in", () => client.connected, 60_000);
  } catch (error) {
    client.end(true);
    throw new Error(`${(error as Error).message}; last refusal: ${refusal?.message}`);
  }
  return client;
}

/** Whether a client that does not try again is let in; either way it is gone afterwards. */
export function isLetIn(client: MqttClient): Promise<boolean> {
  return new Promise((resolve) => {
    client.on("error", () => {});
    client.once("connect", () => {
      resolve(true);
      client.end();
    });
    client.once("close", () => {
      resolve(false);
      client.end(true);
    });
  });
}

/**
 * Lets something fail, and waits until every client that it cost is connected again.
 *
 * @param noticeMs How long a client may take to notice that nobody answers it any more.
 */
export async function outage(
  clients: readonly MqttClient[],
  fail: () => unknown,
  noticeMs = 0,
): Promise<{ readonly lost: number; readonly seconds: number }> {
  const lost = new Set<MqttClient>();
  const started = Date.now();
  let lastBack = started;
  for (const client of clients) {
    client.on("close", () => lost.add(client));
    client.on("connect", () => {
      lastBack = Date.now();
    });
  }
  await fail();
  await until(
    "clients are lost, and all are connected again",
    () => lost.size > 0 && clients.every(({ connected }) => connected) && Date.now() - lastBack >= noticeMs,
    100_000,
  );
  return { lost: lost.size, seconds: (lastBack - started) / 1000 };
}
