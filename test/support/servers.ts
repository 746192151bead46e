import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface RunningServer {
  readonly process: ChildProcess;
  /** Everything that it has printed so far. */
  log(): string;
  stop(): Promise<void>;
}

const running: RunningServer[] = [];
// Here and not where a server starts: Jest knows no afterAll inside beforeAll.
afterAll(() => Promise.all(running.map((server) => server.stop())));

/** Starts a server that is stopped when the test file ends, whatever happens in between. */
export function startServer(command: string, args: readonly string[]): RunningServer {
  const server = spawn(command, args, { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  let log = "";
  const remember = (data: Buffer) => {
    log += data;
  };
  server.stdout.on("data", remember);
  server.stderr.on("data", remember);
  const stop = async () => {
    const impatient = setTimeout(() => server.kill("SIGKILL"), 3_000);
    server.kill("SIGTERM");
    await ended;
    clearTimeout(impatient);
  };
  const handle = { process: server, log: () => log, stop };
  running.push(handle);
  return handle;
}

/** Sends a signal; how the server ended, and after how many milliseconds. */
export async function endOf(
  { process }: RunningServer,
  signal: NodeJS.Signals,
): Promise<{ status: number | null; after: number }> {
  const begin = Date.now();
  process.kill(signal);
  const [status] = await once(process, "exit");
  return { status, after: Date.now() - begin };
}

/** Asks until the answer is something other than undefined or false; an error counts as "not yet". */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      last = await ask();
      if (last !== undefined && last !== false) {
        return last as T;
      }
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${timeoutMs} ms in vain: ${what}; last answer: ${last}`);
}
