import type { Placement } from "../placement/placement";

/**
 * Nodes that must be able to hold every client, because one is away. Where nodes come and go one by one, all are laid out for
 * three, the smallest cluster: a limit that follows the number of nodes would restart them all each time.
 */
export function survivingNodes(nodes: number, { managesMembers }: Pick<Placement, "managesMembers">): number {
  return Math.max(1, (managesMembers ? Math.min(nodes, 3) : nodes) - 1);
}
