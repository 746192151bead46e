import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { DISTRIBUTION_PORT, METRICS_PORT, peersConf, rabbitmqPaths } from "../../../src/components/rabbitmq/config";
import { HEALTH_USER } from "../../../src/components/rabbitmq/definitions";
import { memberCheck } from "../../../src/components/rabbitmq/member-check";
import { describeWithPrograms, freePort, temporaryFolder, writeFile } from "../../support/programs";

/** Three nodes on one machine, by three addresses of the loopback network. */
const HOSTS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
const [METRICS, DISTRIBUTION, MQTT] = Array.from({ length: 3 }, freePort);

const ACCEPTED = "20020000";

interface FakeNode {
  /** Id of the cluster that it says it is in; a node that is not running yet has none. */
  readonly cluster?: string;
  /** Its Erlang machine is there. */
  readonly up?: boolean;
}

describeWithPrograms(["bash", "timeout", "od"], "the health check", () => {
  const folder = temporaryFolder();
  const marker = join(folder, "data/.joined-cluster");
  const paths = rabbitmqPaths({ folder: (_workload, use) => join(folder, use) });
  writeFile(folder, "data/.keep", "");
  writeFile(
    folder,
    "configuration/peers.conf",
    peersConf(HOSTS.map((host, index) => ({ ordinal: index + 1, name: `broker-${index + 1}`, host }))),
  );
  const script = writeFile(
    folder,
    "member-check",
    memberCheck(paths, { tcpPort: MQTT, proxyProtocol: true, check: { kind: "mqtt-connect", port: MQTT } })
      .replaceAll(String(METRICS_PORT), String(METRICS))
      .replaceAll(String(DISTRIBUTION_PORT), String(DISTRIBUTION)),
  );
  let servers: Server[] = [];
  let connect = "";

  afterEach(() => {
    for (const server of servers) {
      server.close();
    }
    servers = [];
    rmSync(marker, { force: true });
  });

  /** Answers what ends with `ending`: the header may come in a packet of its own. */
  function listen(
    host: string,
    port: number,
    ending = "",
    answer: (request: string) => Buffer | string = () => "",
  ): Promise<void> {
    const server = createServer((socket) => {
      let request = "";
      socket.on("error", () => {});
      socket.on("data", (data) => {
        request += data.toString("latin1");
        if (request.endsWith(ending)) {
          socket.end(answer(request));
        }
      });
    });
    servers.push(server);
    return new Promise((resolve) => server.listen(port, host, resolve));
  }

  /** What the check says on node `own` (from 1). */
  async function checkOn(own: number, nodes: readonly FakeNode[], connack = ACCEPTED) {
    for (const [index, { cluster, up = cluster !== undefined }] of nodes.entries()) {
      if (cluster) {
        await listen(
          HOSTS[index],
          METRICS,
          "\r\n\r\n",
          () =>
            `HTTP/1.1 200 OK\r\n\r\nrabbitmq_identity_info{rabbitmq_node="n",rabbitmq_cluster_permanent_id="${cluster}"} 1\n`,
        );
      }
      if (up) {
        await listen(HOSTS[index], DISTRIBUTION);
      }
    }
    // The check logs in at 127.0.0.1, whichever node it is on.
    await listen("127.0.0.1", MQTT, HEALTH_USER, (request) => {
      connect = request;
      return Buffer.from(connack, "hex");
    });
    return new Promise<string>((resolve) =>
      execFile("bash", [script, HOSTS[own - 1]], (error, stdout, stderr) =>
        resolve(`${error ? "unhealthy" : "healthy"}: ${stdout.trim()}${stderr}`),
      ),
    );
  }

  const A = { cluster: "A" };
  const B = { cluster: "B" };

  test.each([
    ["node 1 is alone at first", 1, [A], "healthy: member of 1"],
    ["node 2 has joined", 2, [A, A], "healthy: member of 2"],
    ["node 2 has gone on alone", 2, [A, B], "unhealthy: 1 of at least 2 nodes in this node's cluster"],
    ["node 1 is not made unhealthy by that", 1, [A, B], "healthy: member of 1"],
    ["node 3 with one other down", 3, [A, {}, A], "healthy: member of 2"],
    ["node 1 lost its data and went on alone", 1, [B, A, A], "unhealthy: 2 nodes are in another cluster"],
    ["a first start", 1, [{ up: true }], "unhealthy: not running"],
  ] as const)("%s", async (_title, own, nodes, expected) => {
    expect(await checkOn(own, nodes)).toBe(expected);
  });

  test("it logs in with a PROXY header, as MQTT wants it", async () => {
    await checkOn(1, [A, A, A]);
    expect(connect).toBe(
      `PROXY TCP4 127.0.0.1 127.0.0.1 1 ${MQTT}\r\n\x10\x1e\0\x04MQTT\x04\xc2\0\x0a\0\0\0\x07_health\0\x07_health`,
    );
  });

  test("a node that refuses valid credentials is not healthy", async () => {
    expect(await checkOn(1, [A, A, A], "20020003")).toBe("unhealthy: does not answer MQTT clients");
  });

  describe("when it has been in a cluster before", () => {
    const joinedBefore = async () => {
      await checkOn(1, [A, A]);
      expect(existsSync(marker)).toBe(true);
      for (const server of servers) {
        server.close();
      }
      servers = [];
    };
    const waiting = { up: true };

    test.each([
      ["it waits for a node that is not there", [waiting, waiting], "healthy: waiting for 127.0.0.3"],
      ["nothing to wait for", [waiting, waiting, waiting], "unhealthy: all nodes are up, this one is not yet running"],
      ["another node runs, which it has to join", [waiting, A], "unhealthy: not running"],
      ["it is down", [{}, waiting], "unhealthy: not running"],
    ])("%s", async (_title, nodes, expected) => {
      await joinedBefore();
      expect(await checkOn(1, nodes)).toBe(expected);
    });

    test.each([
      ["a majority is not there", [A, waiting], "healthy: waiting for 127.0.0.3"],
      ["a majority is there", [A, A], "unhealthy: does not answer MQTT clients"],
      ["nothing to wait for", [A, waiting, waiting], "unhealthy: does not answer MQTT clients"],
    ])("it runs, and refuses valid credentials: %s", async (_title, nodes, expected) => {
      await joinedBefore();
      expect(await checkOn(1, nodes, "20020003")).toBe(expected);
    });
  });
});
