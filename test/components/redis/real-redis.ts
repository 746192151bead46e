import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type RedisInput, redisWorkload } from "../../../src/components/redis/redis";
import type { ExistingRedisDefinition, RedisDefinition } from "../../../src/definition/cluster";
import { Secret } from "../../../src/definition/secret";
import { resolveSecrets } from "../../../src/formats/references";
import type { Workload } from "../../../src/workload";
import { testPlacement } from "../../support/definitions";
import { writeFile } from "../../support/programs";
import { until } from "../../support/servers";
import { healthCommand } from "../../support/workloads";

export function redisDefinition(overrides: Partial<RedisDefinition> = {}): RedisDefinition {
  return {
    kind: "redis",
    version: "7.2.16",
    memory: 64 * 1024 ** 2,
    writerPassword: Secret.variable("writer_password"),
    accessPassword: Secret.variable("access_password"),
    adminPassword: Secret.variable("admin_password"),
    monitorPassword: Secret.variable("monitor_password"),
    ...overrides,
  };
}

export function existingRedisDefinition(): ExistingRedisDefinition {
  const { writerPassword, accessPassword } = redisDefinition();
  return { kind: "existingRedis", host: "redis.example.com", port: 6380, writerPassword, accessPassword };
}

export const INSTANCES = [{ ordinal: 1, name: "session-store", host: "session-store.dev-mqtt.internal" }];

export const REDIS_INPUT: RedisInput = { ...testPlacement(), instances: INSTANCES };

export type RedisUser = "writer" | "access" | "admin" | "monitor";

/** The value that tests give to a secret. */
export function secretValue(name: string): string {
  return `value-of_${name}~1`;
}

/** Writes a workload's files under another root, with every path and port in them changed to match. */
export function writeWorkload(folder: string, workload: Workload, changes: Readonly<Record<string, string>>): void {
  for (const file of workload.files) {
    const text = resolveSecrets(file.content, {
      literal: (literal) => literal,
      secret: ({ name }) => secretValue(name),
      basicAuth: (user, { name }) => Buffer.from(`${user}:${secretValue(name)}`).toString("base64"),
    });
    writeFile(folder, file.path, changed(text, changes));
  }
}

export function changed(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((result, [from, to]) => result.replaceAll(from, to), text);
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** A program that a test may stop and start again, with its exit status and everything it printed. */
export class Running {
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;
  private text = "";

  public constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.text += data;
      });
    }
    this.closed = once(this.child, "close");
  }

  public log(): string {
    return this.text;
  }

  /** Sends the signal, if any, and waits for the end. */
  public async end(signal?: NodeJS.Signals): Promise<{ status: number | null; signal: string | null }> {
    if (signal) {
      this.child.kill(signal);
    }
    await this.closed;
    return { status: this.child.exitCode, signal: this.child.signalCode };
  }
}

/** Redis as the workload starts it, in a folder of its own; it may be started again on the same data. */
export class RealRedis {
  public process!: Running;
  private readonly changes: Readonly<Record<string, string>>;

  public constructor(
    public readonly folder: string,
    public readonly port: number,
    public readonly workload: Workload = redisWorkload(redisDefinition(), REDIS_INPUT),
    extraConfig = "",
  ) {
    this.changes = { "/etc/redis": join(folder, "etc/redis"), "/data": join(folder, "data"), "6379": `${port}` };
    writeWorkload(folder, workload, this.changes);
    writeFile(folder, "data/.keep", "");
    this.addConfig(extraConfig);
  }

  public addConfig(lines: string): void {
    const path = "etc/redis/redis.conf";
    writeFile(this.folder, path, `${readFileSync(join(this.folder, path), "utf8")}${lines}\n`);
  }

  public start(): void {
    const [command, ...args] = this.workload.process.command as string[];
    this.process = new Running(
      command,
      args.map((arg) => changed(arg, this.changes)),
    );
  }

  public async startAndWait(): Promise<void> {
    this.start();
    await until("Redis is healthy", async () => this.isHealthy()).catch((error) => {
      throw new Error(`${error}\n${this.process.log()}`);
    });
  }

  public isHealthy(): boolean {
    const [command, ...args] = healthCommand(this.workload);
    return (
      spawnSync(
        command,
        args.map((arg) => changed(arg, this.changes)),
      ).status === 0
    );
  }

  /** Runs a command as a user; an error of Redis is returned as its text. */
  public command(user: RedisUser, ...args: string[]): unknown {
    const { stdout, stderr } = this.cli(user, ["--json", ...args]);
    const text = stdout.trim();
    return text ? JSON.parse(text) : stderr.trim();
  }

  public cli(user: RedisUser, args: readonly string[], input?: string) {
    return spawnSync("redis-cli", ["-e", "--no-auth-warning", "--user", user, "-p", `${this.port}`, ...args], {
      encoding: "utf8",
      env: { ...process.env, REDISCLI_AUTH: secretValue(`${user}_password`) },
      input,
    });
  }

  /** Hands an event to the session function. */
  public event(event: object): unknown {
    return this.command("writer", "FCALL", "session_event", "0", JSON.stringify(event));
  }

  public hash(key: string): Record<string, string> {
    return this.command("admin", "HGETALL", key) as Record<string, string>;
  }
}

/** Every process whose command line names the folder: there must be none after Redis has ended. */
export function processesOf(folder: string): string[] {
  return execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(folder));
}
