import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import type { JsonObject, Workload } from "../../workload";

const MIB = 1024 ** 2;

/** Requests and limits of a workload's containers. */
export function resourcesOf({ process, name, program }: Workload, options: KubernetesOptions): JsonObject {
  if (!options.hardening.resources) {
    return {};
  }
  const given = options.resources[program as keyof typeof options.resources] ?? {};
  const most = toMiB(given.memoryLimit) ?? process.memoryMiB;
  const request =
    toMiB(given.memoryRequest) ??
    process.memoryMiB ??
    Math.min(process.expectedMemoryMiB, most ?? process.expectedMemoryMiB);
  const limit = most ?? 2 * request;
  const cpuRequest =
    given.cpuRequest ?? Math.min(name === "broker" ? 0.5 : 0.1, given.cpuLimit ?? process.cpus ?? Infinity);
  const cpuLimit = given.cpuLimit ?? process.cpus;
  return {
    requests: { memory: mebibytes(request), cpu: millis(cpuRequest) },
    limits: { memory: mebibytes(limit), ...(cpuLimit !== undefined && { cpu: millis(cpuLimit) }) },
  };
}

function toMiB(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.ceil(bytes / MIB);
}

/** Quantities as Kubernetes prints them back: anything else would be a change in every later plan. */
function mebibytes(size: number): string {
  return size % 1024 === 0 ? `${size / 1024}Gi` : `${size}Mi`;
}

function millis(processors: number): string {
  const thousandths = Math.round(processors * 1000);
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}
