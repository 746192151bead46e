import { isInstalled, run, skipSuite } from "../../support/programs";
import { type RunningServer, startServer, until } from "../../support/servers";
import { type Finished, runAsync } from "../../support/terraform";
import { describeWithProvider, stepUnless } from "../support";

/** How the suites reach the Kubernetes cluster that they may change; docs/testing.md explains each. */
export const BED = {
  kubeconfig: process.env.E2E_KUBECONFIG,
  node: process.env.E2E_KUBE_NODE,
  volumes: process.env.E2E_KUBE_VOLUMES,
  compares: Boolean(process.env.E2E_KUBE_COMPARE),
};

const PROVIDER = { source: "hashicorp/kubernetes", version: "2.38.0" };
const LOGIN = BED.kubeconfig ? ["--kubeconfig", BED.kubeconfig] : [];

/** A suite on a real Kubernetes cluster. */
export function describeOnKubernetes(title: string, suite: () => void): void {
  describeWithProvider(PROVIDER, missing(), title, suite);
}

function missing(): string | undefined {
  if (!BED.kubeconfig) {
    return "set E2E_KUBECONFIG to a kubeconfig of a cluster that it may change (docs/testing.md)";
  }
  const programs = ["kubectl", "terraform"].filter((program) => !isInstalled(program));
  if (programs.length > 0) {
    return `needs ${programs.join(", ")}`;
  }
  const { status } = run("kubectl", [...LOGIN, "--request-timeout=10s", "get", "--raw", "/readyz"]);
  return status === 0 ? undefined : `no Kubernetes cluster answers by ${BED.kubeconfig}`;
}

/** What steps that let nodes fail lack. */
export const LACKS_NODES = BED.node ? undefined : "set E2E_KUBE_NODE";

/** A test about what happens without a balancer, or without the one that was there: worth its time for the figures only. */
export function stepForComparison(title: string, step: () => Promise<void>, timeoutMs: number): void {
  if (BED.compares) {
    stepUnless(LACKS_NODES, title, step, timeoutMs);
  } else {
    skipSuite(title, "set E2E_KUBE_COMPARE");
  }
}

export type NodeAction = "off" | "on" | "cut" | "plug";

/** Power and network of a node. */
export async function nodeAction(action: NodeAction, node: string): Promise<void> {
  const number = /\d+$/.exec(node)?.[0];
  const { status, output } = await runAsync("sh", ["-c", `${BED.node} ${action} ${number}`]);
  if (status !== 0) {
    throw new Error(`E2E_KUBE_NODE ${action} ${number}: status ${status}\n${output}`);
  }
}

/** Runs kubectl, whether or not it succeeds. */
export function attempt(...args: string[]): Promise<Finished> {
  return runAsync("kubectl", [...LOGIN, ...args]);
}

/** What kubectl printed. */
export async function kubectl(...args: string[]): Promise<string> {
  const { status, output } = await attempt(...args);
  if (status !== 0) {
    throw new Error(`status ${status} of: kubectl ${args.join(" ")}\n${output}`);
  }
  return output.trim();
}

/** Objects as the API server has them. */
export async function read<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl("get", ...args, "-o", "json"));
}

export function make(...objects: object[]): void {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const { status, output } = run("kubectl", [...LOGIN, "apply", "-f", "-"], list);
  if (status !== 0) {
    throw new Error(`kubectl apply: ${output}`);
  }
}

/** The API server by way of `kubectl proxy`, which knows every kind of login: for questions that are asked often. */
export class Api {
  private url = "";
  private server?: RunningServer;

  public async start(): Promise<void> {
    const server = startServer("kubectl", [...LOGIN, "proxy", "--port=0"]);
    this.server = server;
    const [address] = await until("kubectl proxy listens", () => /127\.0\.0\.1:\d+/.exec(server.log()) ?? undefined);
    this.url = `http://${address}`;
  }

  public async stop(): Promise<void> {
    await this.server?.stop();
  }

  public async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) {
      throw new Error(`status ${response.status} of ${path}`);
    }
    return (await response.json()) as T;
  }
}
