import type { DockerOptions } from "../../definition/target";
import type { Workload } from "../../workload";

/** The image named for the program, or the official one, from the registry if there is one. */
export function imageOf({ images, registry }: DockerOptions, { program, image }: Workload): string {
  return images[program as keyof typeof images] ?? (registry ? `${registry}/${image}` : image);
}
