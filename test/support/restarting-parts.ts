import type { Workload } from "../../src/workload";

/** All that restarts a running instance when it changes. */
export function restartingParts({ files, process, package: packaged, data }: Workload) {
  return { files: files.filter(({ onChange }) => onChange === "restart"), process, packaged, data };
}
