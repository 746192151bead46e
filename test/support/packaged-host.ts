import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { forInstance } from "../../src/formats/references";
import type { Placement } from "../../src/placement/placement";
import type { Workload } from "../../src/workload";
import { connected, type Network } from "./network";
import { temporaryFolder, writeFile } from "./programs";
import { withSecrets } from "./rendered-files";
import { type RunningServer, startServer, until } from "./servers";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A host for programs as a distribution packages them: a network of its own, so that every port is free, and folders below
 * a temporary one. They run as their packages' users, from the rendered files, with nothing in their environment that the
 * workload does not name. Only the superuser can make one.
 */
export class PackagedHost {
  private readonly root = temporaryFolder();
  private readonly network: Network;
  private readonly neighbourhood: Network;

  public constructor(address: string, neighbours: readonly string[]) {
    chmodSync(this.root, 0o755);
    [this.network, this.neighbourhood] = connected([address], neighbours);
  }

  /** The folders of the placement, below this host's own. */
  public folder: Placement["folder"] = (workload, use) => {
    const roots = { configuration: "etc", data: "var/lib", runtime: "run" };
    return join(this.root, roots[use], "mqtt-cluster/dev-mqtt", workload);
  };

  public install({ name, data, files, package: packaged }: Workload): void {
    const [uid, gid] = ["-u", "-g"].map((what) => Number(spawnSync("id", [what, packaged?.user ?? ""]).stdout));
    const folders = [...data.map(({ path }) => path), this.folder(name, "runtime", "")];
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      chownSync(folder, uid, gid);
    }
    for (const { path, content, mode } of files) {
      writeFile(dirname(path), path.slice(dirname(path).length + 1), withSecrets(content));
      chownSync(path, uid, gid);
      chmodSync(path, mode);
    }
  }

  public start(workload: Workload): RunningServer {
    const { args, command = [] } = workload.process;
    return startServer(...this.inside(workload, [...(workload.package?.command ?? command), ...args]));
  }

  /** Runs a command as the workload's program would; its status and all that it printed. */
  public run(workload: Workload, command: readonly string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(...this.inside(workload, command), { encoding: "utf8" });
    return { status, output: `${stdout}${stderr}` };
  }

  public async untilHealthy(workload: Workload, server: RunningServer): Promise<void> {
    const probe = workload.health?.probe;
    const command =
      probe?.kind === "http"
        ? ["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${probe.port}${probe.path}`]
        : (probe?.command ?? []);
    await until(`${workload.program} is healthy`, () => this.run(workload, command).status === 0).catch((error) => {
      throw new Error(`${error}\n${server.log()}`);
    });
  }

  /** What an address of this host answers over HTTP. */
  public get(url: string): string {
    return this.network.run("wget", "-q", "-O", "-", url);
  }

  /** Starts something at the neighbours' addresses. */
  public startNeighbour(command: string, args: readonly string[]): RunningServer {
    return startServer(...this.neighbourhood.inside([command, ...args]));
  }

  private inside({ package: packaged, instances, process }: Workload, command: readonly string[]): [string, string[]] {
    const user = packaged?.user ?? "";
    const environment = Object.entries({ PATH, ...process.environment }).map(([name, value]) => `${name}=${value}`);
    return this.network.inside(
      [
        ...["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "env", "-i"],
        ...environment,
        ...command,
      ].map((text) => forInstance(text, instances[0])),
    );
  }
}
