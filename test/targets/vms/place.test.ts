/** Files taking the place of others on a host: in a mount namespace of its own, with everything real but systemd. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { controlScript, type HostedInstance } from "../../../src/targets/vms/control-script";
import { filesScript } from "../../../src/targets/vms/files-script";
import type { ConfigFile } from "../../../src/workload";
import { describeWithPrograms, run, skipSuite, temporaryFolder, writeFile } from "../../support/programs";
import { hostedBroker } from "../../support/workloads";
import { hosts, platformAt } from "./deploy";

const CONFIGURATION = "/etc/mqtt-cluster/dev-mqtt/broker";
const files = ({ rules = "rules", start = "start", peers = "peers" } = {}): ConfigFile[] => [
  {
    path: `${CONFIGURATION}/rules/users.conf`,
    content: `${rules}\n`,
    mode: 0o400,
    mustBeOwnedByProgram: true,
    onChange: "reload",
    check: ["sh", "-c", `! grep bad ${CONFIGURATION}/rules/users.conf`],
  },
  { path: `${CONFIGURATION}/start.conf`, content: start, mode: 0o444, onChange: "restart" },
  { path: `${CONFIGURATION}/peers.conf`, content: peers, mode: 0o444, onChange: "nothing" },
];

const suite = () => {
  const root = temporaryFolder();
  const { placement } = platformAt(hosts(1));
  const folder = (use: "configuration" | "data" | "runtime") => placement.folder("broker", use, "");
  const broker = hostedBroker(placement);
  const hosted = (changed: readonly ConfigFile[]): HostedInstance => ({
    cluster: "dev-mqtt",
    workload: {
      ...broker,
      files: changed,
      kernelParameters: [],
      reloadCheck: undefined,
      package: { ...broker.package!, user: "nobody", fixedPaths: {} },
    },
    instance: broker.instances[0],
    address: "192.0.2.11",
    folders: { configuration: folder("configuration"), data: folder("data"), runtime: folder("runtime") },
  });
  const inRoot = (path: string) => join(root, path.replace(/^\/var\/lib/, "lib"));
  const read = (name: string) => readFileSync(inRoot(join(CONFIGURATION, name)), "utf8");
  /** What systemd was asked for. */
  const asked = () => (existsSync(join(root, "asked")) ? readFileSync(join(root, "asked"), "utf8") : "");

  beforeEach(() => {
    rmSync(root, { recursive: true, force: true });
    for (const path of ["etc/systemd/system", "lib", "local", "run"]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    chmodSync(root, 0o755);
    cpSync("/etc/passwd", join(root, "etc/passwd"));
    cpSync("/etc/group", join(root, "etc/group"));
  });

  /** Brings files to the host; the program runs, and reloads unless it is said not to. */
  function place(changed: readonly ConfigFile[], { reloads = true, umask = "022" } = {}) {
    const control = controlScript(hosted(changed));
    const library = control.slice(0, control.indexOf("\nasked=${1:-}"));
    const systemd = `
systemctl() {
  case $1 in
    is-active | daemon-reload) ;;
    *) echo "$*" >>"$root/asked"; ${reloads} ;;
  esac
}
installed_version() { echo 1.0; }
has_wanted_package() { :; }
raise_open_files() { :; }
wait_healthy() { :; }
sleep() { :; }
install_control() { install -D -m 755 "$root/control" "$self"; }
place "$root/files"`;
    writeFile(root, "control", control);
    writeFile(root, "files", filesScript(changed));
    writeFile(
      root,
      "driver",
      `${library.replace("#!/bin/sh\n", `#!/bin/sh\numask ${umask}\nroot=${root}\n`)}${systemd}\n`,
    );
    const binds = Object.entries({ etc: "/etc", lib: "/var/lib", local: "/usr/local/lib", run: "/run" });
    const mounts = binds.map(([from, to]) => `mount --bind ${join(root, from)} ${to}`);
    return run("unshare", ["--mount", "sh", "-ec", [...mounts, `exec sh ${root}/driver`].join("\n")]);
  }

  const OK = expect.objectContaining({ status: 0 });

  test("the program reads them, and nobody else what is its own", () => {
    expect(place(files())).toEqual(OK);
    expect(["rules/users.conf", "start.conf", "peers.conf"].map(read)).toEqual(["rules\n", "start", "peers"]);
    expect(readable()).toEqual(["rules\n", "start", "peers"]);
    const { uid, mode } = statSync(inRoot(`${CONFIGURATION}/rules/users.conf`));
    expect([uid, mode & 0o777]).toEqual([Number(spawnSync("id", ["-u", "nobody"]).stdout), 0o400]);
    expect(readFileSync(inRoot("/etc/systemd/system/dev-mqtt-broker-1.service"), "utf8")).toContain("ExecStart=");
  });

  /** As the program's user reads them. */
  function readable(): string[] {
    return files().map(({ path }) => {
      const as = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", inRoot(path)];
      return spawnSync("setpriv", as, { encoding: "utf8" }).stdout;
    });
  }

  // User data sets one, so that nobody reads the secrets in it; a careful administrator does, too.
  test("also where new files are private unless somebody says otherwise", () => {
    expect(place(files(), { umask: "077" })).toEqual(OK);
    expect(readable()).toEqual(["rules\n", "start", "peers"]);
  });

  test("a file that the program's own checker refuses replaces nothing, and nothing is left of it", () => {
    expect(place(files())).toEqual(OK);
    rmSync(join(root, "asked"), { force: true });
    const { status, output } = place(files({ rules: "bad", start: "other" }));
    expect(status).toBe(1);
    expect(output).toContain("broker-1 (192.0.2.11): check of the files: refused; the files that were there stay");
    expect(["rules/users.conf", "start.conf"].map(read)).toEqual(["rules\n", "start"]);
    expect(run("find", [inRoot("/etc/mqtt-cluster"), "-name", "*.new*"]).output).toBe("");
    expect(asked()).toBe("");
  });

  test.each([
    ["rules", "reload dev-mqtt-broker-1.service\n"],
    ["start", ""],
    ["peers", ""],
  ])("of changed files only that of the %s is reloaded", (what, expected) => {
    expect(place(files())).toEqual(OK);
    rmSync(join(root, "asked"), { force: true });
    expect(place(files({ [what]: "other" }))).toEqual(OK);
    expect(asked()).toBe(expected);
  });

  test("the same once more changes nothing", () => {
    expect(place(files())).toEqual(OK);
    rmSync(join(root, "asked"), { force: true });
    expect(place(files())).toEqual({ status: 0, output: "" });
    expect(asked()).toBe("");
  });

  test("a file that is no longer wanted goes", () => {
    expect(place(files())).toEqual(OK);
    const { output } = place(files().slice(0, 2));
    expect(output).toContain(`removed: ${CONFIGURATION}/peers.conf`);
    expect(existsSync(inRoot(`${CONFIGURATION}/peers.conf`))).toBe(false);
  });

  test("what an interrupted deployment left behind is no part of the next one", () => {
    expect(place(files())).toEqual(OK);
    writeFile(root, "etc/mqtt-cluster/dev-mqtt/.broker.new/old.conf", "old");
    writeFile(root, "etc/mqtt-cluster/dev-mqtt/.broker.new.list", "old.conf\n");
    expect(place(files())).toEqual({ status: 0, output: "" });
    expect(existsSync(inRoot(`${CONFIGURATION}/old.conf`))).toBe(false);
  });

  // The new file is there already, so nothing seems to have changed: the next apply ends well, with the old rules in force.
  test("a reload that failed is tried again by the next deployment", () => {
    expect(place(files())).toEqual(OK);
    expect(place(files({ rules: "other" }), { reloads: false }).status).not.toBe(0);
    rmSync(join(root, "asked"), { force: true });
    expect(place(files({ rules: "other" }))).toEqual(OK);
    expect(asked()).toBe("reload dev-mqtt-broker-1.service\n");
  });
};

const TITLE = "files take the place of others";
if (process.getuid?.() === 0) {
  describeWithPrograms(["unshare", "mount", "setpriv", "flock", "timeout"], TITLE, suite);
} else {
  skipSuite(TITLE, "needs to be the superuser");
}
