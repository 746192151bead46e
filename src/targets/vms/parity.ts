import type { ParityRow } from "../parity";

/** What becomes of each part of a workload on servers. */
export const VMS: readonly ParityRow[] = [
  {
    part: "identity",
    how: "host by name of the instance, known to others by its address; unit `<cluster>-<instance>`",
  },
  { part: "software", how: "package of the distribution, or .deb by URL and SHA-256" },
  { part: "files", how: "by SSH, checked by the program before they replace the old ones; secrets 0400" },
  { part: "process", how: "unit of systemd: user, limits, signal and grace of a stop, confinement" },
  {
    part: "ports",
    how: "every address of the host",
    limit:
      "Ports are open on every address of their host: what is for operators and for the cluster itself, your firewall must keep from others.",
  },
  { part: "data", how: "folder below /var/lib/mqtt-cluster" },
  { part: "health", how: "asked after every start; the apply waits" },
  { part: "start order", how: "depends_on, after being healthy; instances one after another" },
  { part: "changed file", how: "reload where the program can, else restart" },
  { part: "rolling update", how: "one by one: out of the pool, restarted, member again as the others see it" },
  { part: "leaving", how: "drained, stopped, struck off by a remaining member, wiped" },
  {
    part: "secrets",
    how: "sensitive Terraform variables, or files of the host; the state holds hashes only",
  },
  {
    part: "drift",
    how: "not seen",
    limit: "Terraform does not look at the hosts: what somebody changes there by hand shows in no plan.",
  },
];
