import type { Instance, ScrapeEndpoint, Workload } from "../../workload";

/** What Prometheus must know of a program to watch it. */
export type Watched = Pick<Workload, "instances" | "scrape">;

/** One `scrape_configs` entry. */
export interface ScrapeJob {
  readonly job: string;
  readonly path: string;
  readonly targets: readonly ScrapeTarget[];
}

export interface ScrapeTarget {
  readonly address: string;
  readonly instance: string;
}

/**
 * One job per job name, with every instance as a target of its own. Never through the balancer: it would answer for a
 * different broker each time, and counters would jump.
 */
export function scrapeJobs(watched: readonly Watched[]): ScrapeJob[] {
  const jobs = new Map<string, ScrapeJob>();
  for (const { instances, scrape } of watched) {
    for (const endpoint of scrape) {
      const before = jobs.get(endpoint.job);
      if (before && before.path !== endpoint.path) {
        throw new Error(
          `Scrape job "${endpoint.job}" has two paths, ${before.path} and ${endpoint.path}: name them apart.`,
        );
      }
      const targets = instances.map((instance) => target(instance, endpoint));
      jobs.set(endpoint.job, {
        job: endpoint.job,
        path: endpoint.path,
        targets: [...(before?.targets ?? []), ...targets],
      });
    }
  }
  return [...jobs.values()];
}

function target({ name, host }: Instance, { port }: ScrapeEndpoint): ScrapeTarget {
  return { address: `${host}:${port}`, instance: name };
}
