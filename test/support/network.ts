import { spawn, spawnSync } from "node:child_process";
import { describeWithPrograms, skipSuite } from "./programs";

/** A suite that makes networks. */
export function describeAsSuperuser(title: string, programs: readonly string[], suite: () => void): void {
  if (process.getuid?.() !== 0) {
    skipSuite(title, "needs to be the superuser");
  } else {
    describeWithPrograms([...programs, "unshare", "nsenter", "setpriv", "ip", "wget"], title, suite);
  }
}

/** The device that two networks are connected by. */
export const CABLE = "cable";

/** A network namespace that lasts as long as the test file. Only the superuser can make one. */
export class Network {
  private readonly holder = spawn("unshare", [
    "--net",
    "sh",
    "-c",
    "ip link set lo up && echo up && exec sleep infinity",
  ]);
  public readonly ready = new Promise((resolve) => this.holder.stdout.once("data", resolve));

  public get pid(): number {
    return this.holder.pid as number;
  }

  public inside(command: readonly string[]): [string, string[]] {
    return ["nsenter", [`--net=/proc/${this.pid}/ns/net`, ...command]];
  }

  public run(...command: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(...this.inside(command), { encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`${command.join(" ")}: ${stderr}`);
    }
    return stdout;
  }

  public end(): void {
    this.holder.kill("SIGKILL");
  }
}

/** Two networks with these addresses, all of them neighbours of each other. */
export function connected(...addresses: readonly [readonly string[], readonly string[]]): [Network, Network] {
  const networks: [Network, Network] = [new Network(), new Network()];
  const [one, other] = networks;
  beforeAll(async () => {
    await Promise.all(networks.map(({ ready }) => ready));
    one.run("ip", "link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", `${other.pid}`);
    for (const [index, network] of networks.entries()) {
      for (const address of addresses[index]) {
        network.run("ip", "address", "add", `${address}/8`, "dev", CABLE);
      }
      network.run("ip", "link", "set", CABLE, "up");
    }
  });
  afterAll(() => networks.map((network) => network.end()));
  return networks;
}
