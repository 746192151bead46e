import type { Placement } from "../placement/placement";

/**
 * Nodes that must be able to hold every client, because one is away. As packages all nodes are laid out for three, the
 * smallest cluster: a limit that follows the number of nodes would restart them all whenever one comes or goes.
 */
export function survivingNodes(nodes: number, software: Placement["software"]): number {
  return Math.max(1, (software === "package" ? Math.min(nodes, 3) : nodes) - 1);
}
