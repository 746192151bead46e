import type { Placement, Pods } from "../../placement/placement";
import type { Instance, ScrapeEndpoint, Workload } from "../../workload";

/** What Prometheus must know of a program to watch it. */
export type Watched = Pick<Workload, "name" | "instances" | "scrape">;

/** One `scrape_configs` entry. */
export interface ScrapeJob {
  readonly job: string;
  readonly path: string;
  readonly targets: readonly ScrapeTarget[];
  /** There where targets come and go under new names, and Prometheus must look for them itself. */
  readonly discovered?: { readonly pods: Pods; readonly port: number };
}

export interface ScrapeTarget {
  readonly address: string;
  readonly instance: string;
}

/**
 * One job per job name, with every instance as a target of its own. Never through the balancer: it would answer for a
 * different broker each time, and counters would jump.
 *
 * @param podsOf Absent where nobody has to look for targets: their names are known, or somebody else looks.
 */
export function scrapeJobs(watched: readonly Watched[], podsOf?: Placement["podsOf"]): ScrapeJob[] {
  const jobs = new Map<string, ScrapeJob>();
  for (const { name, instances, scrape } of watched) {
    const pods = podsOf?.(name);
    for (const endpoint of scrape) {
      const before = jobs.get(endpoint.job);
      if (before && before.path !== endpoint.path) {
        throw new Error(
          `Scrape job "${endpoint.job}" has two paths, ${before.path} and ${endpoint.path}: name them apart.`,
        );
      }
      const isDiscovered = pods?.haveLastingNames === false;
      if (before && (before.discovered || isDiscovered)) {
        throw new Error(`Scrape job "${endpoint.job}" is of two workloads, whose pods cannot be told apart.`);
      }
      const targets = instances.map((instance) => target(instance, endpoint));
      jobs.set(endpoint.job, {
        job: endpoint.job,
        path: endpoint.path,
        targets: [...(before?.targets ?? []), ...targets],
        ...(isDiscovered && { discovered: { pods, port: endpoint.port } }),
      });
    }
  }
  return [...jobs.values()];
}

function target({ name, host }: Instance, { port }: ScrapeEndpoint): ScrapeTarget {
  return { address: `${host}:${port}`, instance: name };
}

/** A query in the path would be escaped there. */
export function pathAndParams(path: string): { path: string; params?: Record<string, string[]> } {
  const url = new URL(path, "http://target");
  return {
    path: url.pathname,
    ...(url.search && { params: Object.fromEntries([...url.searchParams].map(([key, value]) => [key, [value]])) }),
  };
}
