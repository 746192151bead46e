import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInstalled } from "../../support/programs";
import { until } from "../../support/servers";
import { type Finished, runAsync } from "../../support/terraform";
import { describeUnless, ownAddressTowards, stepUnless } from "../support";

/** How the suites reach the servers that they may change; docs/testing.md explains each. */
export const BED = {
  hosts: process.env.E2E_SSH_HOSTS,
  user: process.env.E2E_SSH_USER ?? "root",
  key: process.env.E2E_SSH_KEY,
  /** `10.0.0.100/24` */
  virtualAddress: process.env.E2E_SSH_VIRTUAL_ADDRESS,
  interface: process.env.E2E_SSH_INTERFACE ?? "eth0",
  power: process.env.E2E_HOST_POWER,
};

export type PowerAction = "off" | "on" | "kill" | "cut" | "unplug" | "plug" | "freeze" | "thaw";

/** A server, with what a suite does to it beside the deployment. */
export class Host {
  public constructor(
    public readonly name: string,
    public readonly address: string,
    /** `ssh-ed25519 AAAA…` */
    public readonly hostKey: string,
  ) {}

  /** Runs a script as the superuser, whether or not it succeeds. */
  public attempt(script: string): Promise<Finished> {
    return runAsync("ssh", [...SSH_OPTIONS, `${BED.user}@${this.address}`, `sudo -n sh -c ${quoted(script)}`]);
  }

  /** What a script of the superuser printed. */
  public async run(script: string): Promise<string> {
    const { status, output } = await this.attempt(script);
    if (status !== 0) {
      throw new Error(`${this.name}: status ${status} of: ${script}\n${output}`);
    }
    return output.trim();
  }

  public async power(action: PowerAction): Promise<void> {
    const { status, output } = await runAsync("sh", ["-c", `${BED.power} ${action} ${this.name}`]);
    if (status !== 0) {
      throw new Error(`E2E_HOST_POWER ${action} ${this.name}: status ${status}\n${output}`);
    }
  }

  public async answers(): Promise<void> {
    await until(`${this.name} answers`, async () => (await this.attempt("true")).status === 0, 120_000);
  }
}

export const HOSTS: readonly Host[] = BED.hosts
  ? JSON.parse(readFileSync(BED.hosts, "utf8")).map(
      ({ name, address, hostKey }: Host) => new Host(name, address, hostKey),
    )
  : [];

const SSH_OPTIONS = [
  ...(BED.key ? ["-i", BED.key] : []),
  ...Object.entries({
    UserKnownHostsFile: knownHosts(),
    StrictHostKeyChecking: "yes",
    BatchMode: "yes",
    LogLevel: "ERROR",
    ConnectTimeout: 5,
    ServerAliveInterval: 3,
    ServerAliveCountMax: 2,
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
];

function knownHosts(): string {
  const folder = mkdtempSync(join(tmpdir(), "mqtt-cluster-ssh-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "known_hosts");
  writeFileSync(file, HOSTS.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join(""));
  return file;
}

/** A suite on real servers. Without any it is skipped with one loud line; in CI that is a failure. */
export function describeOnHosts(title: string, hostsNeeded: number, suite: () => void): void {
  describeUnless(missing(hostsNeeded), title, () => {
    beforeAll(refuseHostsInUse, 60_000);
    suite();
  });
}

function missing(hostsNeeded: number): string | undefined {
  if (!BED.hosts) {
    return "set E2E_SSH_HOSTS to a list of servers that it may change (docs/testing.md)";
  }
  if (HOSTS.length < hostsNeeded) {
    return `needs ${hostsNeeded} hosts, and E2E_SSH_HOSTS lists ${HOSTS.length}`;
  }
  const programs = ["terraform", "ssh"].filter((program) => !isInstalled(program));
  return programs.length > 0 ? `needs ${programs.join(", ")}` : undefined;
}

type Extra = "power" | "virtualAddress";

/** What of the environment is missing for steps that need more than a login. */
export function lacks(...needed: Extra[]): string | undefined {
  const variables = { power: "E2E_HOST_POWER", virtualAddress: "E2E_SSH_VIRTUAL_ADDRESS" };
  const absent = needed.filter((name) => !BED[name]).map((name) => variables[name]);
  return absent.length > 0 ? `set ${absent.join(", ")}` : undefined;
}

/** A test that needs more than a login. */
export function stepWith(needed: Extra[], title: string, step: () => Promise<void>, timeoutMs: number): void {
  stepUnless(lacks(...needed), title, step, timeoutMs);
}

/** These suites wipe what they find under their own names: never on a host that somebody uses. */
async function refuseHostsInUse(): Promise<void> {
  const found = await Promise.all(
    HOSTS.map(async (host) => {
      const left = await host.run(
        "ls -d /etc/mqtt-cluster /var/lib/mqtt-cluster /usr/local/lib/mqtt-cluster 2>/dev/null || true",
      );
      return left && `${host.name} holds ${left.replaceAll("\n", " ")}`;
    }),
  );
  if (found.some(Boolean)) {
    throw new Error(`these hosts are in use: ${found.filter(Boolean).join("; ")}`);
  }
}

export const ownAddress = () => ownAddressTowards(HOSTS[0].address);

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
