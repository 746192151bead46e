/** The command that tells whether EMQX is a member where others find it only while it says so, run against small servers. */
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { memberHealth } from "../../../src/components/emqx/member-health";
import { API_PORT, DISTRIBUTION_PORT, emqxPlaces } from "../../../src/components/emqx/places";
import { forInstance } from "../../../src/formats/references";
import type { Placement } from "../../../src/placement/placement";
import { testPlacement } from "../../support/definitions";
import { describeWithPrograms, freePort, run, temporaryFolder, writeFile } from "../../support/programs";

const [API, DISTRIBUTION] = Array.from({ length: 2 }, freePort);
const PAGE = "/api/v5/prometheus/stats";

/** Nodes have addresses of their own in the loopback network, and each asks itself at 127.0.0.1. */
const hostOf = (ordinal: number) => `127.0.0.${10 + ordinal}`;

describeWithPrograms(["bash", "curl", "awk"], "the health check where names follow health", () => {
  const data = temporaryFolder();
  const joined = join(data, ".joined-cluster");
  let servers: Server[] = [];

  afterEach(() => {
    for (const server of servers) {
      server.close();
    }
    servers = [];
    rmSync(joined, { force: true });
  });

  function commandOf(ordinal: number, nodes: number): string[] {
    const swarm = testPlacement({ broker: nodes });
    const placement: Placement = {
      ...swarm,
      managesMembers: true,
      namesFollowHealth: true,
      filesAreFixed: true,
      instances: (workload) =>
        swarm.instances(workload).map((instance) => ({ ...instance, host: hostOf(instance.ordinal) })),
    };
    const { probe } = memberHealth(placement, { ...emqxPlaces(placement), data });
    const command = probe.kind === "command" ? probe.command : [];
    return command.map((word) =>
      forInstance(word, placement.instances("broker")[ordinal - 1])
        .replaceAll(String(API_PORT), String(API))
        .replaceAll(String(DISTRIBUTION_PORT), String(DISTRIBUTION)),
    );
  }

  function listen(host: string, port: number, pages: Record<string, string> = {}): Promise<void> {
    const server = createServer(({ url = "" }, response) => {
      response.writeHead(url in pages ? 200 : 503, { connection: "close" }).end(pages[url]);
    });
    servers.push(server);
    return new Promise((resolve) => server.listen(port, host, resolve));
  }

  const sees = (members: number) =>
    listen("127.0.0.1", API, {
      [PAGE]: `# TYPE emqx_cluster_nodes_running gauge\nemqx_cluster_nodes_running ${members}\nemqx_cluster_nodes_stopped 9\n`,
    });
  /** Its Erlang machine is there, and answers nobody. */
  const isUp = () => listen("127.0.0.1", DISTRIBUTION);
  const runs = (ordinal: number) => listen(hostOf(ordinal), API, { "/status": "is running" });

  function check(ordinal: number, nodes = 3): Promise<string> {
    const [program, ...args] = commandOf(ordinal, nodes);
    return new Promise((resolve) =>
      execFile(program, args, (error, stdout, stderr) =>
        resolve(`${error ? "unhealthy" : "healthy"}: ${stdout.trim()}${stderr}`),
      ),
    );
  }

  test.each([
    ["the first is a cluster of its own", 1, 1, "healthy: 1 of at least 1 members"],
    ["the second has found nobody", 2, 1, "unhealthy: 1 of at least 2 members"],
    ["the second has joined", 2, 2, "healthy: 2 of at least 2 members"],
    ["the third has found nobody", 3, 1, "unhealthy: 1 of at least 2 members"],
    ["one of the others is down", 3, 2, "healthy: 2 of at least 2 members"],
  ])("%s", async (_title, ordinal, members, expected) => {
    await sees(members);
    expect(await check(ordinal)).toBe(expected);
  });

  test("the first is no member while another one runs without it", async () => {
    await sees(1);
    await runs(2);
    expect(await check(1)).toBe(`unhealthy: 1 of at least 1 members\n${hostOf(2)} runs without this one`);
  });

  test("one that came later needs a majority of the first three", async () => {
    await sees(2);
    expect(await check(5, 5)).toBe("healthy: 2 of at least 2 members");
  });

  test("one more of them changes the command of no other", () => {
    for (const ordinal of [1, 2, 3]) {
      expect(commandOf(ordinal, 5)).toEqual(commandOf(ordinal, 3));
    }
    expect(commandOf(4, 9)).toEqual(commandOf(4, 4));
  });

  test("a page without the number of members is no answer", async () => {
    await listen("127.0.0.1", API, { [PAGE]: "emqx_vm_cpu_use 1\n" });
    expect(await check(1)).toBe("unhealthy: 0 of at least 1 members");
  });

  test("one that answers nothing is not healthy at its first start, even if it is up", async () => {
    await isUp();
    expect(await check(1)).toBe("unhealthy: does not answer");
  });

  test("only one that has seen another remembers that it was in a cluster", async () => {
    await sees(1);
    await check(1);
    expect(existsSync(joined)).toBe(false);
    servers.pop()?.close();
    await sees(2);
    await check(1);
    expect(existsSync(joined)).toBe(true);
  });

  describe("after all were down", () => {
    beforeEach(() => writeFile(data, ".joined-cluster", ""));

    test("it is let in while it waits for the others, so that they find it", async () => {
      await isUp();
      expect(await check(2)).toBe("healthy: waits for the others");
    });

    test("not any more when one of them runs, which it can join", async () => {
      await isUp();
      await runs(3);
      expect(await check(2)).toBe(`unhealthy: ${hostOf(3)} runs without this one`);
    });

    test("the only one that is left goes on, and its clients with it", async () => {
      await sees(1);
      expect(await check(2)).toBe("healthy: 1 of at least 2 members");
    });

    test("not any more when another one runs without it", async () => {
      await sees(1);
      await runs(3);
      expect(await check(2)).toBe(`unhealthy: 1 of at least 2 members\n${hostOf(3)} runs without this one`);
    });

    test("nor when it is down itself", async () => {
      expect(await check(2)).toBe("unhealthy: does not answer");
    });

    test("what it says of itself does not count as another one", async () => {
      await isUp();
      await runs(2);
      expect(await check(2)).toBe("healthy: waits for the others");
    });
  });
});

describeWithPrograms(["shellcheck"], "shellcheck", () => {
  const folder = temporaryFolder();

  test("has nothing against it", () => {
    const swarm: Placement = { ...testPlacement(), managesMembers: true, namesFollowHealth: true };
    const { probe } = memberHealth(swarm, emqxPlaces(swarm));
    const [, , script] = probe.kind === "command" ? probe.command : [];
    expect(run("shellcheck", ["--shell=bash", "--exclude=SC2015", writeFile(folder, "check", `${script}\n`)])).toEqual({
      status: 0,
      output: "",
    });
  });
});
