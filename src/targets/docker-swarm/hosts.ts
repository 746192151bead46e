import type { DockerSwarmOptions, SwarmHost } from "../../definition/docker-swarm";
import type { Instance, Workload, WorkloadName } from "../../workload";
import * as hosts from "../host-roles";

/** A host of the swarm in one of its roles. */
export type Role = hosts.Role<SwarmHost>;

export const constraintOf = ({ constraint }: SwarmHost): string | undefined => constraint;

export function rolesFor(workload: WorkloadName, options: Partial<DockerSwarmOptions>): Role[] {
  return hosts.rolesFor(workload, options, constraintOf);
}

export function allRoles(options: Partial<DockerSwarmOptions>): Role[] {
  return hosts.allRoles(options, constraintOf);
}

export function roleOf({ name }: Workload, { ordinal }: Instance, options: DockerSwarmOptions): Role {
  return rolesFor(name, options).find((role) => role.ordinal === ordinal) as Role;
}

/** The same for whatever spelling a swarm takes for the same: it compares values without regard to case. */
export function sameConstraint(constraint: string): string {
  const [field, value] = constraint.split("==");
  return `${field}==${value.toLowerCase()}`;
}

/** Where people reach it; undefined where nobody has said. */
export function addressOf({ address, constraint }: SwarmHost): string | undefined {
  return address ?? /^node\.hostname==(.*)$/.exec(constraint ?? "")?.[1];
}

/** What a workload has on one host, so that it must always be there. */
export function isPinned({ data }: Workload): boolean {
  return data.length > 0;
}
