import type { Workload } from "../workload";

/** The numbers of the user and the group that a program runs as: those of the official image, or those that were given for it. */
export function runAs(
  { process, program }: Workload,
  { userIds }: { readonly userIds: { readonly [program: string]: number } },
): [user: number, group: number] {
  const own = userIds[program];
  return own === undefined ? [process.userId, process.groupId] : [own, own];
}
