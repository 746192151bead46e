import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { forInstance } from "../../src/formats/references";
import type { Workload } from "../../src/workload";
import { writeFile } from "./programs";
import { below, withSecrets } from "./rendered-files";
import { type RunningServer, startServer, until } from "./servers";

/** Debian's names; the official images have the second as plain `alertmanager`. */
const COMMANDS = { prometheus: "prometheus", alertmanager: "prometheus-alertmanager" };

/**
 * Runs Prometheus or Alertmanager from its rendered files and arguments, on loopback and below a folder: paths and ports
 * are the only things that differ from what a target does. `changes` are further replacements in the
 * files, as [what, with what].
 */
export async function startRendered(
  workload: Workload,
  folder: string,
  port: number,
  changes: readonly (readonly [string, string])[] = [],
  furtherArgs: readonly string[] = [],
): Promise<RunningServer> {
  for (const { path } of workload.data) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  const local = below(folder, workload);
  for (const { path, content } of workload.files) {
    const changed = changes.reduce(
      (result, [what, replacement]) => {
        if (!result.includes(what) && workload.files.length === 1) {
          throw new Error(`"${what}" is not in ${path}`);
        }
        return result.replaceAll(what, replacement);
      },
      local(withSecrets(content)),
    );
    writeFile(folder, path, changed);
  }
  const args = workload.process.args.map((arg) =>
    local(forInstance(arg, workload.instances[0])).replace(/^(--web.listen-address=).*/, `$1127.0.0.1:${port}`),
  );
  const server = startServer(COMMANDS[workload.program as keyof typeof COMMANDS], [...args, ...furtherArgs]);
  const probe = workload.health?.probe;
  await until(`${workload.program} is ready`, async () => {
    if (server.process.exitCode !== null) {
      throw new Error(server.log());
    }
    return probe?.kind === "http" && (await fetch(`http://127.0.0.1:${port}${probe.path}`)).ok;
  });
  return server;
}

export interface Message {
  readonly url?: string;
  readonly method?: string;
  readonly authorization?: string;
  readonly body: string;
}

/** A web server on loopback that remembers what it was sent. */
export class Receiver {
  public readonly messages: Message[] = [];
  private server?: Server;

  /** @param answer Status and headers by request; 200 when left out. */
  public constructor(
    private readonly answer: (request: IncomingMessage) => {
      status: number;
      headers?: object;
      body?: string;
    } = () => ({
      status: 200,
    }),
  ) {
    afterAll(() => this.stop());
  }

  public async start(port = 0): Promise<number> {
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) {
        body += chunk;
      }
      this.messages.push({
        url: request.url,
        method: request.method,
        authorization: request.headers.authorization,
        body,
      });
      const { status, headers, body: text = "" } = this.answer(request);
      response.writeHead(status, { ...headers }).end(text);
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  public stop(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}
