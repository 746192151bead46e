import { clusterDemands, clusterWorkloads } from "../../../src/components/cluster-workloads";
import { virtualAddressWorkloads } from "../../../src/components/keepalived/keepalived";
import { nameInstances, type Placement } from "../../../src/placement/placement";
import type { Workload } from "../../../src/workload";
import { fullDefinition, packagePlacement } from "../../support/definitions";

const placement: Placement = {
  ...packagePlacement({ balancer: 2, "virtual-address": 2 }),
  virtualAddress: { address: "10.0.2.100/24", interface: "eth0", routerId: 51 },
};
const [workload] = virtualAddressWorkloads(placement);

test("keepalived.conf, for both hosts", () => {
  expect(workload.files[0].content).toMatchSnapshot();
});

test("it is there when an address is given, and only then", () => {
  const programs = (workloads: Workload[]) => workloads.map(({ program }) => program);
  expect(programs(clusterWorkloads(fullDefinition(), placement))).toContain("keepalived");
  expect(programs(clusterWorkloads(fullDefinition(), packagePlacement()))).not.toContain("keepalived");
  expect(clusterDemands(fullDefinition()).map((demand) => demand.workload)).not.toContain("virtual-address");
});

test("instances keep their numbers when there are more", () => {
  const names = (count: number) =>
    nameInstances({ workload: "virtual-address", count }, () => "").map(({ name }) => name);
  expect(names(2)).toEqual(["virtual-address-1", "virtual-address-2"]);
  expect(names(1)).toEqual(["virtual-address-1"]);
});
