import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { virtualAddressWorkloads } from "../../../src/components/keepalived/keepalived";
import { forInstance } from "../../../src/formats/references";
import type { Workload } from "../../../src/workload";
import { packagePlacement } from "../../support/definitions";
import { CABLE, connected, describeAsSuperuser } from "../../support/network";
import { temporaryFolder, writeFile } from "../../support/programs";
import { endOf, type RunningServer, startServer, until } from "../../support/servers";
import { healthCommand } from "../../support/workloads";

const ADDRESS = "10.0.2.100";
/** As much of a balancer as keepalived asks for. */
const HEALTHY = "require('http').createServer((_, answer) => answer.end()).listen(8405, '127.0.0.1')";

describeAsSuperuser("two keepalived and an address that moves between them", ["keepalived", "curl"], () => {
  const folder = temporaryFolder();
  const networks = connected(["10.0.2.11"], ["10.0.2.12"]);
  const hosts = networks.map((network, index) => {
    const own = join(folder, `${index}`);
    const [workload] = virtualAddressWorkloads({
      ...packagePlacement({ "virtual-address": 2 }),
      folder: (_workload, use) => join(own, use),
      virtualAddress: { address: `${ADDRESS}/8`, interface: CABLE, routerId: 51 },
    });
    const here = (command: readonly string[]) =>
      network.inside(command.map((word) => forInstance(word, workload.instances[index])));
    return { network, own, workload, here };
  });
  const balancers: RunningServer[] = [];
  const daemons: RunningServer[] = [];
  const startBalancer = (host: number) => {
    balancers[host] = startServer(...hosts[host].here([process.execPath, "-e", HEALTHY]));
  };
  const startDaemon = (host: number) => {
    const { workload, here } = hosts[host];
    daemons[host] = startServer(...here([...(workload.package?.command ?? []), ...workload.process.args]));
  };
  const addressAt = () =>
    hosts.flatMap(({ network }, index) =>
      network.run("ip", "-brief", "address", "show", CABLE).includes(`${ADDRESS}/`) ? [index] : [],
    );
  const untilAt = (host: number) =>
    until(`the address is on host ${host}`, () => `${addressAt()}` === `${host}`).catch((error) => {
      throw new Error(`${error}\n${daemons.map(({ log }) => log()).join("\n")}`);
    });
  const untilSays = (host: number, text: string, from = 0) =>
    until(`host ${host} says ${text}`, () => daemons[host].log().slice(from).includes(text));
  const status = (host: number, command: readonly string[]) => spawnSync(...hosts[host].here(command)).status;

  beforeAll(async () => {
    for (const [index, { own, workload }] of hosts.entries()) {
      mkdirSync(join(own, "runtime"), { recursive: true });
      writeFile("/", workload.files[0].path, workload.files[0].content);
      startBalancer(index);
    }
    startDaemon(0);
    startDaemon(1);
    await untilAt(0);
  });

  const check = ({ files }: Workload) => files[0].check as readonly string[];

  test("its check accepts the file, and refuses one with a word that it does not know", () => {
    const { workload } = hosts[0];
    expect(status(0, check(workload))).toBe(0);
    const bad = writeFile(folder, "bad.conf", workload.files[0].content.replace("nopreempt", "nopreemt"));
    const command = check(workload).map((word) => (word === workload.files[0].path ? bad : word));
    expect(status(0, command)).toBe(5);
  });

  test("both are healthy, with the address and without it", () => {
    expect([0, 1].map((host) => status(host, healthCommand(hosts[host].workload)))).toEqual([0, 0]);
  });

  test("the address leaves a balancer that stops, and does not come back by itself", async () => {
    await balancers[0].stop();
    await untilAt(1);
    const before = daemons[0].log().length;
    startBalancer(0);
    await untilSays(0, "Entering BACKUP STATE", before);
    // Longer than it takes to miss a master: three advertisements.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(addressAt()).toEqual([1]);
  });

  test("a reload does not move it", async () => {
    const before = daemons[1].log().length;
    daemons[1].process.kill(hosts[1].workload.reloadSignal);
    await untilSays(1, "Reload", before);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(addressAt()).toEqual([1]);
  });

  test("it is handed over by one that stops", async () => {
    expect(await endOf(daemons[1], hosts[1].workload.process.stopSignal)).toMatchObject({ status: 0 });
    await untilAt(0);
    expect(status(1, healthCommand(hosts[1].workload))).not.toBe(0);
  });

  test("one that is killed leaves no second address behind", async () => {
    startDaemon(1);
    await untilSays(1, "Entering BACKUP STATE");
    await endOf(daemons[0], "SIGKILL");
    await untilAt(1);
  });
});
