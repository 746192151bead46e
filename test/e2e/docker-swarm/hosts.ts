import { readFileSync } from "node:fs";
import { isInstalled, run } from "../../support/programs";
import { until } from "../../support/servers";
import { type Finished, runAsync } from "../../support/terraform";
import { describeWithProvider } from "../support";

/** How the suites reach the swarm that they may change; docs/testing.md explains each. */
const BED = {
  hosts: process.env.E2E_SWARM_HOSTS,
  socket: process.env.E2E_SWARM_SOCKET,
  power: process.env.E2E_SWARM_POWER,
};

const PROVIDER = { source: "kreuzwerker/docker", version: "3.6.2" };
export const HOSTS_NEEDED = 5;

interface HostEntry {
  readonly name: string;
  readonly address: string;
  readonly engine: string;
}

export type HostAction = "off" | "on" | "cut" | "plug";

/** A host of the swarm. */
export class Host {
  public readonly name: string;
  public readonly address: string;
  /** As the docker command takes it. */
  public readonly engine: string;

  /** @param number Counted from 1, as E2E_SWARM_POWER counts. */
  public constructor(
    public readonly number: number,
    { name, address, engine }: HostEntry,
  ) {
    this.name = name;
    this.address = address;
    this.engine = engine;
  }

  /** Runs the docker command with its engine, whether or not it succeeds. */
  public attempt(...args: string[]): Promise<Finished> {
    return runAsync("docker", ["--host", this.engine, ...args]);
  }

  /** What the docker command printed. */
  public async docker(...args: string[]): Promise<string> {
    const { status, output } = await this.attempt(...args);
    if (status !== 0) {
      throw new Error(`status ${status} on ${this.name} of: docker ${args.join(" ")}\n${output}`);
    }
    return output.trim();
  }

  /** One for every line that the docker command printed. */
  public async lines(...args: string[]): Promise<string[]> {
    return (await this.docker(...args)).split("\n").filter((line) => line !== "");
  }

  /** As a manager: changes what the swarm knows of a host. */
  public async updateNode({ name }: Host, ...changes: string[]): Promise<void> {
    // Refused where the swarm itself changes it at that moment: "update out of sequence".
    const isUpdated = async () => (await this.docker("node", "update", ...changes, name)) === name;
    await until(`${name} is updated`, isUpdated);
  }

  /** Power and network. */
  public async act(action: HostAction): Promise<void> {
    const { status, output } = await runAsync("sh", ["-c", `${BED.power} ${action} ${this.number}`]);
    if (status !== 0) {
      throw new Error(`E2E_SWARM_POWER ${action} ${this.number}: status ${status}\n${output}`);
    }
  }
}

export const HOSTS: readonly Host[] = (
  BED.hosts ? (JSON.parse(readFileSync(BED.hosts, "utf8")) as HostEntry[]) : []
).map((entry, index) => new Host(index + 1, entry));

export const engineSocket = BED.socket;

/** Counted from 1. */
export function host(number: number): Host {
  return HOSTS[number - 1];
}

/** A suite on a real swarm. */
export function describeOnSwarm(title: string, suite: () => void): void {
  describeWithProvider(PROVIDER, missing(), title, suite);
}

function missing(): string | undefined {
  if (!BED.hosts) {
    return "set E2E_SWARM_HOSTS to a list of hosts of a swarm that it may change (docs/testing.md)";
  }
  const programs = ["docker", "terraform"].filter((program) => !isInstalled(program));
  if (programs.length > 0) {
    return `needs ${programs.join(", ")}`;
  }
  if (HOSTS.length < HOSTS_NEEDED) {
    return `E2E_SWARM_HOSTS names ${HOSTS.length} hosts, and ${HOSTS_NEEDED} are needed`;
  }
  const { status, output } = run("docker", ["--host", HOSTS[0].engine, "node", "ls", "--format", "{{.Hostname}}"]);
  const strangers = HOSTS.filter(({ name }) => !output.split("\n").includes(name)).map(({ name }) => name);
  return status === 0 && strangers.length === 0
    ? undefined
    : `${HOSTS[0].engine} is no manager of a swarm of these hosts: ${strangers.join(", ") || output}`;
}

/** What steps that let hosts fail lack. */
export const LACKS_POWER = BED.power ? undefined : "set E2E_SWARM_POWER";
