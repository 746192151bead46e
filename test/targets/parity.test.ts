import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DOCKER } from "../../src/targets/docker/parity";
import { DOCKER_SWARM } from "../../src/targets/docker-swarm/parity";
import { KUBERNETES } from "../../src/targets/kubernetes/parity";
import { limitsFor, parityTable } from "../../src/targets/parity";
import { VMS } from "../../src/targets/vms/parity";
import type { Workload } from "../../src/workload";

test("docs/target-parity.md holds the table", () => {
  const page = readFileSync(join(__dirname, "../../docs/target-parity.md"), "utf8");
  expect(page).toContain(
    `\n${parityTable({ Docker: DOCKER, Swarm: DOCKER_SWARM, VMs: VMS, Kubernetes: KUBERNETES })}\n`,
  );
});

test("every target says what it makes of the same parts, but for what it alone has", () => {
  const parts = [DOCKER, DOCKER_SWARM, VMS, KUBERNETES].map((rows) => rows.map(({ part }) => part));
  expect(parts.map((own) => own.filter((part) => !parts.every((all) => all.includes(part))))).toEqual([
    [],
    [],
    ["drift"],
    [],
  ]);
});

test("limits are said to those whom they concern", () => {
  const rows = [
    { part: "a", how: "" },
    { part: "b", how: "", limit: "For all." },
    { part: "c", how: "", limit: "For brokers.", concerns: ["broker" as const] },
  ];
  expect(limitsFor(rows, [{ name: "balancer" } as Workload])).toEqual(["For all."]);
  expect(limitsFor(rows, [{ name: "broker" } as Workload])).toEqual(["For all.", "For brokers."]);
});
