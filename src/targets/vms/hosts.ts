import type { VmHost, VmsOptions } from "../../definition/vms";
import type { WorkloadName } from "../../workload";
import * as hosts from "../host-roles";

/** A server in one of its roles. */
export type Role = hosts.Role<VmHost>;

export const addressOf = ({ address }: VmHost): string | undefined => address;

export function rolesFor(workload: WorkloadName, options: Partial<VmsOptions>): Role[] {
  return hosts.rolesFor(workload, options, addressOf);
}

export function allRoles(options: Partial<VmsOptions>): Role[] {
  return hosts.allRoles(options, addressOf);
}

/** Where the other hosts reach it. Host names are the same in any spelling. */
export function clusterAddress({ privateAddress, address }: VmHost): string {
  return (privateAddress ?? address).toLowerCase();
}
