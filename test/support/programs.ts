import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * A suite that needs programs on this machine. Where one is missing the suite is skipped with one loud line; in CI a
 * missing program is a failure.
 */
export function describeWithPrograms(programs: readonly string[], title: string, suite: () => void): void {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) {
    describe(title, suite);
  } else if (process.env.CI) {
    describe(title, () => {
      test("has the programs that it needs", () => {
        throw new Error(`not installed: ${missing.join(", ")}`);
      });
    });
  } else {
    skipSuite(title, `needs ${missing.join(", ")}`);
  }
}

/** Not `describe.skip(title, suite)`: that runs the suite's body, which may start servers that are not there. */
export function skipSuite(title: string, reason: string): void {
  describe.skip(`SKIPPED: ${title}: ${reason}`, () => {
    test("did not run", () => {});
  });
}

export function isInstalled(program: string): boolean {
  // Debian keeps servers in sbin, which is not on every user's PATH.
  return spawnSync("sh", ["-c", `PATH="$PATH:/usr/sbin:/sbin" command -v "$1"`, "sh", program]).status === 0;
}

/** Runs a program and returns its exit status and everything it printed. */
export function run(
  command: string,
  args: readonly string[],
  input?: string,
): { status: number | null; output: string } {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    input,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    timeout: 60_000,
  });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

/** A folder that is removed when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mqtt-cluster-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeFile(folder: string, path: string, content: string): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

export function freePort(): number {
  const script =
    "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})";
  return Number(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }));
}
