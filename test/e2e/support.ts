import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import type { IClientOptions } from "mqtt";
import { type MqttClients, outage } from "../support/mqtt";
import { isInstalled, run, skipSuite } from "../support/programs";
import { until } from "../support/servers";
import { type Finished, TerraformProject } from "../support/terraform";

/** The engine that the suite may change; it runs only when it is told which. */
const ENGINE = process.env.E2E_DOCKER_HOST;

/**
 * A suite on a real engine. Terraform's Docker provider is in no registry that every machine reaches, and images may be
 * out of reach too: without them the suite is skipped with one loud line, in CI as well.
 */
export function describeOnDocker(title: string, images: readonly string[], suite: () => void): void {
  const reason = missing(images);
  if (reason) {
    skipSuite(title, reason);
  } else {
    describe(title, suite);
  }
}

function missing(images: readonly string[]): string | undefined {
  if (!ENGINE) {
    return "set E2E_DOCKER_HOST to a Docker engine that it may change (unix:///var/run/docker.sock)";
  }
  for (const program of ["docker", "terraform"]) {
    if (!isInstalled(program)) {
      return `needs ${program}`;
    }
  }
  if (docker("info").status !== 0) {
    return `no Docker engine answers at ${ENGINE}`;
  }
  const absent = images.filter(
    (image) => docker("image", "inspect", image).status !== 0 && docker("pull", "-q", image).status !== 0,
  );
  if (absent.length > 0) {
    return `images neither present nor to be pulled: ${absent.join(", ")}`;
  }
  return lacksProvider("kreuzwerker/docker", "3.6.2");
}

const lacking = new Map<string, string | undefined>();

/** The reason for a loud line where Terraform cannot install a provider. */
export function lacksProvider(source: string, version: string): string | undefined {
  if (!lacking.has(source)) {
    const folder = mkdtempSync(join(tmpdir(), "mqtt-cluster-provider-"));
    const project = new TerraformProject(folder, "probe");
    project.synthesise((stack) => {
      stack.addOverride("terraform.required_providers", { probed: { source, version } });
    });
    const { status } = run("terraform", [`-chdir=${project.stackFolder}`, "init", "-no-color"]);
    rmSync(folder, { recursive: true });
    lacking.set(
      source,
      status === 0 ? undefined : `Terraform finds no provider ${source}, in the registry or in its plugin folder`,
    );
  }
  return lacking.get(source);
}

/**
 * A suite that needs a provider of Terraform, and more of its environment. The provider is in no registry that every machine
 * reaches: without it the suite is skipped with one loud line, in CI as well. Anything else that is missing is a failure there.
 */
export function describeWithProvider(
  { source, version }: { readonly source: string; readonly version: string },
  reason: string | undefined,
  title: string,
  suite: () => void,
): void {
  const isWanted = !reason || process.env.CI;
  const noProvider = isWanted && isInstalled("terraform") ? lacksProvider(source, version) : undefined;
  if (noProvider) {
    skipSuite(title, noProvider);
  } else {
    describeUnless(reason, title, suite);
  }
}

/** A suite that needs something of its environment: without it the suite is skipped with one loud line, and fails in CI. */
export function describeUnless(reason: string | undefined, title: string, suite: () => void): void {
  if (!reason) {
    describe(title, suite);
  } else if (process.env.CI) {
    describe(title, () => {
      test("has what it needs", () => {
        throw new Error(reason);
      });
    });
  } else {
    skipSuite(title, reason);
  }
}

/** A test that needs something of its environment: without it the test is skipped with one loud line, and fails in CI. */
export function stepUnless(
  reason: string | undefined,
  title: string,
  step: () => Promise<void>,
  timeoutMs: number,
): void {
  if (reason && !process.env.CI) {
    skipSuite(title, reason);
    return;
  }
  test(
    title,
    async () => {
      expect(reason).toBeUndefined();
      await step();
    },
    timeoutMs,
  );
}

/** Whether also what is worth its time before a release only is done. */
export const TAKES_ITS_TIME = Boolean(process.env.E2E_ALL);

/** A test that is worth its time before a release, and not each time. */
export function longStep(
  reason: string | undefined,
  title: string,
  step: () => Promise<void>,
  timeoutMs: number,
): void {
  if (TAKES_ITS_TIME) {
    stepUnless(reason, title, step, timeoutMs);
  } else {
    skipSuite(title, "set E2E_ALL");
  }
}

export function docker(...args: string[]): { status: number | null; output: string } {
  return run("docker", ["--host", ENGINE as string, ...args]);
}

export function dockerHost(): string {
  return ENGINE as string;
}

/** What is left of a cluster on the engine. */
function remainsOnDocker(cluster: string): string[] {
  return ["container ls -a", "volume ls", "network ls"].flatMap((list) =>
    docker(...list.split(" "), "-q", "--filter", `label=mqtt-cluster.name=${cluster}`)
      .output.split("\n")
      .filter((line) => line !== ""),
  );
}

/** A stack that is applied, changed and destroyed; says how long each took. */
export class DeployedStack {
  public readonly project: TerraformProject;
  private readonly folder = mkdtempSync(join(tmpdir(), "mqtt-cluster-e2e-"));

  /** @param remains What must be gone after the destruction, and is not. */
  public constructor(
    private readonly stackName: string,
    private readonly secrets: Record<string, string>,
    private readonly build: (stack: TerraformStack) => void,
    private readonly remains: () => string[] | Promise<string[]> = () => remainsOnDocker(`${stackName}-mqtt`),
  ) {
    this.project = new TerraformProject(this.folder, stackName);
  }

  public async create(): Promise<void> {
    this.project.synthesise(this.build);
    this.project.writeSecrets(this.secrets);
    expectSuccess(await this.project.init());
    const applied = await this.project.apply();
    report(`${this.stackName}: apply`, applied.seconds);
    expectSuccess(applied);
  }

  /** Applies a changed definition. */
  public async change(build: (stack: TerraformStack) => void): Promise<Finished> {
    this.project.synthesise(build);
    const applied = await this.project.apply();
    expectSuccess(applied);
    return applied;
  }

  public async destroy(): Promise<void> {
    const destroyed = await this.project.destroy();
    rmSync(this.folder, { recursive: true });
    report(`${this.stackName}: destroy`, destroyed.seconds);
    expectSuccess(destroyed);
    expect(await this.remains()).toEqual([]);
  }
}

/** Deploys before all tests of a suite and destroys after them, whatever happened in between. */
export class Deployment extends DeployedStack {
  public constructor(...props: ConstructorParameters<typeof DeployedStack>) {
    super(...props);
    beforeAll(() => this.create(), 600_000);
    afterAll(() => this.destroy(), 300_000);
  }
}

export function expectSuccess({ status, output }: Finished): void {
  if (status !== 0) {
    throw new Error(`terraform failed:\n${output.slice(-4000)}`);
  }
}

/** Terraform breaks lines and draws a frame around errors. */
export function unwrapped(output: string): string {
  return output.replace(/\n[│ ]*/g, " ");
}

export async function expectNothingToChange(project: TerraformProject): Promise<void> {
  const { status, output } = await project.plan();
  expect(status === 0 ? "no changes" : output).toBe("no changes");
}

/** A figure of a run, printed where CI shows it, as a row of a table. */
export function report(what: string, figure: number | string): void {
  process.stderr.write(`e2e: | ${what} | ${typeof figure === "number" ? `${figure.toFixed(2)} s` : figure} |\n`);
}

/** The address of this machine that another one sees. */
export function ownAddressTowards(address: string): string {
  const { output } = run("ip", ["-j", "route", "get", address]);
  return JSON.parse(output)[0].prefsrc;
}

/** Prometheus, when it has just started, may tell Alertmanager of an alert a minute after it fires. */
const ALERT_PATIENCE_MS = 150_000;

const NODE_DOWN = /NodeDown$/;

export interface Notification {
  readonly alert: string;
  readonly status: "firing" | "resolved";
  readonly instance?: string;
}

/** What came of the alert that a broker is down, in order. */
function statusesOf(notifications: readonly Notification[], instance: string | undefined): Notification["status"][] {
  return notifications
    .filter((notification) => NODE_DOWN.test(notification.alert) && notification.instance === instance)
    .map(({ status }) => status);
}

/** That a broker is down, which a suite is about to bring about. */
export class NodeDownAlert {
  public constructor(
    private readonly notifications: Notification[],
    private readonly instance: string,
  ) {}

  /**
   * Waits until what came before is over, and forgets it. Brokers were down while they were being started, and one that goes down
   * again before Alertmanager has told of the end of that is no news to it.
   */
  public async forgetEarlier(): Promise<void> {
    const isOver = () =>
      this.notifications
        .filter(({ alert }) => NODE_DOWN.test(alert))
        .every(({ instance }) => statusesOf(this.notifications, instance).at(-1) === "resolved");
    await until("every broker's alert is resolved", isOver, ALERT_PATIENCE_MS);
    this.notifications.length = 0;
  }

  public async arrives(): Promise<void> {
    await until("the alert arrives", () => this.sinceItFired.length > 0, ALERT_PATIENCE_MS);
  }

  public async isResolved(): Promise<void> {
    await until("the alert is resolved", () => this.sinceItFired.includes("resolved"), ALERT_PATIENCE_MS);
  }

  /** That an earlier one is over may be told once more, beside another alert of the group. */
  private get sinceItFired(): Notification["status"][] {
    const statuses = statusesOf(this.notifications, this.instance);
    const fired = statuses.indexOf("firing");
    return fired < 0 ? [] : statuses.slice(fired);
  }
}

/** A real webhook receiver, as long as the suite runs. */
export function receiveWebhooks(port: number): Notification[] {
  const received: Notification[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      for (const { labels, status } of JSON.parse(body).alerts) {
        received.push({ alert: labels.alertname, status, instance: labels.instance });
      }
      response.end();
    });
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(port, "0.0.0.0", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  return received;
}

/**
 * Clients of a broker that ends are back as soon as they try again: 0.6 s on two cores with nothing else to do, 1.5 s with three
 * suites at a time. By their checks alone balancers would notice it after 2 to 4 s, and clients come after that.
 */
export const AT_ONCE_SECONDS = 3;
/** Three checks of a balancer that nobody answers, up to 13 s, and the clients' way back. */
export const SILENT_SECONDS = 20;

/** Kills a broker under its clients' feet, and starts it again. */
export async function killBroker(
  mqtt: MqttClients,
  credentials: IClientOptions,
  notifications: Notification[],
  { cluster, instance }: { readonly cluster: string; readonly instance: string },
): Promise<void> {
  const container = `${cluster}-${instance}`;
  const alert = new NodeDownAlert(notifications, instance);
  await alert.forgetEarlier();
  const clients = await Promise.all(Array.from({ length: 30 }, () => mqtt.connect(credentials)));
  const killed = Date.now();
  const since = () => (Date.now() - killed) / 1000;

  const { lost, seconds } = await outage(clients, () => docker("kill", container));
  report(`${container} killed: last of ${lost} lost clients back after`, seconds);
  expect(seconds).toBeLessThan(AT_ONCE_SECONDS);
  await alert.arrives();
  report(`${container} killed: alert received after`, since());

  docker("start", container);
  await until("the broker is a member again", () => isHealthy(container), 120_000);
  await alert.isResolved();
  report(`${container} killed: started again and alert resolved after`, since());
  await Promise.all(clients.map((client) => client.endAsync()));
}

export function isHealthy(container: string): boolean {
  return docker("inspect", "-f", "{{.State.Health.Status}}", container).output.trim() === "healthy";
}
