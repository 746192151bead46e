/** The health check of a container, in a real shell, with small servers in place of programs; and what shellcheck says. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { DID_START, swarmHealth } from "../../../src/targets/docker-swarm/health";
import type { HealthCheck, Life } from "../../../src/workload";
import { testPlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, run, temporaryFolder, writeFile } from "../../support/programs";
import { hostedBroker } from "../../support/workloads";

const BASE = temporaryFolder();

/** Not on every machine; this one understands no more than what it is asked for. */
const STAND_INS = mkdtempSync(join(BASE, "stand-ins-"));
const NC = '#!/bin/bash\n[ "$1 $2 $3" = "-z -w 3" ] && : 3<>"/dev/tcp/$4/$5"\n';
chmodSync(writeFile(STAND_INS, "nc", NC), 0o755);

describeWithPrograms(["wget", "curl", "bash"], "the health check of a container", () => {
  const folder = mkdtempSync(join(BASE, "health-"));
  const didStart = join(folder, "did-start");
  const probed = join(folder, "is-member");
  const health: HealthCheck = {
    probe: { kind: "command", command: ["test", "-e", probed] },
    intervalSeconds: 5,
    timeoutSeconds: 4,
    retries: 3,
    startPeriodSeconds: 30,
  };
  let server: Server | undefined;

  const silence = () => server?.close();
  afterEach(() => {
    silence();
    rmSync(didStart, { force: true });
    rmSync(probed, { force: true });
  });

  const isMember = (is: boolean) => (is ? writeFile(folder, "is-member", "") : rmSync(probed, { force: true }));

  /** A folder with one program, and what the shell needs. */
  function pathWith(program: string): string {
    const bin = mkdtempSync(join(BASE, "bin-"));
    for (const name of ["test", program]) {
      symlinkSync(run("sh", ["-c", `PATH="${STAND_INS}:$PATH" which ${name}`]).output.trim(), join(bin, name));
    }
    return bin;
  }

  function check(alive: Life | undefined, path = process.env.PATH, asked = health): Promise<boolean> {
    const workload = { ...hostedBroker(testPlacement()), alive };
    const [kind, script] = swarmHealth(workload, asked, workload.instances[0]);
    expect(kind).toBe("CMD-SHELL");
    return new Promise((resolve) =>
      execFile("/bin/sh", ["-c", script.replaceAll(DID_START, didStart)], { env: { PATH: path } }, (error) =>
        resolve(error === null),
      ),
    );
  }

  const PORT = freePort();
  const listening = (made: Server) =>
    new Promise<void>((resolve) => {
      server = made.listen(PORT, "127.0.0.1", resolve);
    });
  const answering = (status: number) =>
    listening(
      createHttpServer(({ url }, response) => {
        response.writeHead(url === "/status" ? status : 404, { connection: "close" }).end();
      }),
    );
  const PAGE = { port: PORT, path: "/status" };

  test("a member that lives is asked on, for what its question notes, whatever it answers and however long it takes", async () => {
    const noted = join(folder, "noted");
    const command = ["sh", "-c", `echo >>${noted}; [ -e ${probed} ] || sleep 30`];
    const noting: HealthCheck = { ...health, timeoutSeconds: 1, probe: { kind: "command", command } };
    await answering(200);
    isMember(true);
    expect(await check(PAGE, process.env.PATH, noting)).toBe(true);
    isMember(false);
    expect(await check(PAGE, process.env.PATH, noting)).toBe(true);
    expect(readFileSync(noted, "utf8")).toBe("\n\n");
  });

  test("of what cannot be asked whether it lives is its probe", async () => {
    expect(await check(undefined)).toBe(false);
    isMember(true);
    expect(await check(undefined)).toBe(true);
    expect(existsSync(didStart)).toBe(false);
  });

  test("an instance has started when it is a member, and from then on it must live and no more", async () => {
    await answering(200);
    expect(await check(PAGE)).toBe(false);
    isMember(true);
    expect(await check(PAGE)).toBe(true);
    isMember(false);
    expect(await check(PAGE)).toBe(true);
    silence();
    isMember(true);
    expect(await check(PAGE)).toBe(false);
  });

  // A broker that waits for the others after all were down counts as a member, and has no clients yet.
  test("one that is let in before it works has not started", async () => {
    isMember(true);
    expect(await check(PAGE)).toBe(true);
    isMember(false);
    expect(await check(PAGE)).toBe(false);
  });

  const answers = () => answering(200);
  const accepts = () => listening(createTcpServer((socket) => socket.end()));

  test.each<[string, () => Promise<void>, Life]>([
    ["wget", answers, PAGE],
    ["curl", answers, PAGE],
    ["nc", accepts, { port: PORT }],
    ["bash", accepts, { port: PORT }],
  ])("with no other program than %s it tells life from silence", async (program, begin, life) => {
    const path = pathWith(program);
    writeFile(folder, "did-start", "");
    expect(await check(life, path)).toBe(false);
    await begin();
    expect(await check(life, path)).toBe(true);
  });

  test.each(["wget", "curl"])("a page that is refused to %s is no life", async (program) => {
    writeFile(folder, "did-start", "");
    await answering(503);
    expect(await check(PAGE, pathWith(program))).toBe(false);
  });
});

describeWithPrograms(["shellcheck"], "shellcheck", () => {
  const folder = temporaryFolder();

  test.each([
    ["a page", { port: 18083, path: "/status" }],
    ["a port", { port: 1883 }],
    ["nothing", undefined],
  ])("has nothing against a health check with %s for its life", (_title, alive) => {
    const workload = { ...hostedBroker(testPlacement()), alive };
    const [, script] = swarmHealth(workload, workload.health as HealthCheck, workload.instances[0]);
    expect(run("shellcheck", ["--shell=sh", writeFile(folder, "health", `${script}\n`)])).toEqual({
      status: 0,
      output: "",
    });
  });
});
