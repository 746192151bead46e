import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { until } from "./servers";

export interface Finished {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
}

interface Started {
  readonly process: ChildProcess;
  /** Everything that it has printed so far. */
  output(): string;
  readonly finished: Promise<Finished>;
}

/** A stack, synthesised into a folder, that the real Terraform works on. */
export class TerraformProject {
  public constructor(
    private readonly folder: string,
    private readonly stackName: string,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  public get stackFolder(): string {
    return join(this.folder, "stacks", this.stackName);
  }

  /** Replaces the plan; state and providers stay. */
  public synthesise(build: (stack: TerraformStack) => void): void {
    const app = new App({ outdir: this.folder });
    const stack = new TerraformStack(app, this.stackName);
    stack.addOverride("terraform.backend", { local: { path: join(this.folder, "terraform.tfstate") } });
    build(stack);
    app.synth();
  }

  public writeSecrets(values: Record<string, string>): void {
    writeFileSync(join(this.folder, "secrets.tfvars.json"), JSON.stringify(values), { mode: 0o600 });
  }

  public init(): Promise<Finished> {
    return this.terraform("init", "-no-color");
  }

  public apply(): Promise<Finished> {
    return this.terraform(...this.applying);
  }

  /** Sends Terraform a signal as soon as it has printed what is waited for, and waits until it has ended. */
  public async interruptedApply(printed: RegExp, signal: NodeJS.Signals): Promise<Finished> {
    const { process, output, finished } = start("terraform", this.arguments(...this.applying));
    const hasEnded = () => process.exitCode !== null;
    await until(`Terraform prints ${printed}`, () => printed.test(output()) || hasEnded(), 300_000);
    process.kill(signal);
    return finished;
  }

  /** Status 0: nothing to change; 2: something to change. */
  public plan(): Promise<Finished> {
    return this.terraform("plan", "-no-color", "-detailed-exitcode", this.varFile);
  }

  /** The plan as other programs read it. */
  public async planJson(): Promise<Record<string, unknown>> {
    const file = join(this.folder, "plan");
    await this.terraform("plan", `-out=${file}`, this.varFile);
    const { output } = await this.terraform("show", "-json", file);
    // Warnings about the machine may stand in front.
    return JSON.parse(output.split("\n").find((line) => line.startsWith("{")) as string);
  }

  public state(): string {
    return readFileSync(join(this.folder, "terraform.tfstate"), "utf8");
  }

  /** Lets Terraform forget resources: those whose address matches. */
  public async forget(address: RegExp): Promise<Finished> {
    const { output } = await this.terraform("state", "list");
    return this.terraform("state", "rm", ...output.split("\n").filter((line) => address.test(line)));
  }

  public destroy(): Promise<Finished> {
    return this.terraform("destroy", "-no-color", "-auto-approve", this.varFile);
  }

  /** From the state, sensitive ones too. */
  public outputs(): Record<string, unknown> {
    const { outputs } = JSON.parse(this.state());
    return Object.fromEntries(Object.entries<{ value: unknown }>(outputs).map(([name, { value }]) => [name, value]));
  }

  private get varFile(): string {
    return `-var-file=${join(this.folder, "secrets.tfvars.json")}`;
  }

  private get applying(): string[] {
    return ["apply", "-no-color", "-auto-approve", this.varFile];
  }

  private terraform(...args: string[]): Promise<Finished> {
    return runAsync("terraform", this.arguments(...args));
  }

  private arguments(...args: string[]): string[] {
    return [`-chdir=${this.stackFolder}`, ...args];
  }
}

/** Like `run`, without stopping clients and servers of the test while it waits. */
export function runAsync(command: string, args: readonly string[]): Promise<Finished> {
  return start(command, args).finished;
}

function start(command: string, args: readonly string[]): Started {
  const started = Date.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const remember = (data: Buffer) => {
    output += data;
  };
  child.stdout.on("data", remember);
  child.stderr.on("data", remember);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output, seconds: (Date.now() - started) / 1000 }));
  });
  return { process: child, output: () => output, finished };
}
