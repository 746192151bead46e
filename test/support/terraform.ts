import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";

export interface Finished {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
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
    return this.terraform("apply", "-no-color", "-auto-approve", this.varFile);
  }

  /** Status 0: nothing to change; 2: something to change. */
  public plan(): Promise<Finished> {
    return this.terraform("plan", "-no-color", "-detailed-exitcode", this.varFile);
  }

  public destroy(): Promise<Finished> {
    return this.terraform("destroy", "-no-color", "-auto-approve", this.varFile);
  }

  /** From the state, sensitive ones too. */
  public outputs(): Record<string, unknown> {
    const { outputs } = JSON.parse(readFileSync(join(this.folder, "terraform.tfstate"), "utf8"));
    return Object.fromEntries(Object.entries<{ value: unknown }>(outputs).map(([name, { value }]) => [name, value]));
  }

  private get varFile(): string {
    return `-var-file=${join(this.folder, "secrets.tfvars.json")}`;
  }

  private terraform(...args: string[]): Promise<Finished> {
    return runAsync("terraform", [`-chdir=${this.stackFolder}`, ...args]);
  }
}

/** Like `run`, without stopping clients and servers of the test while it waits. */
export function runAsync(command: string, args: readonly string[]): Promise<Finished> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      output += data;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output, seconds: (Date.now() - started) / 1000 }));
  });
}
