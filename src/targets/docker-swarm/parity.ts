import type { ParityRow } from "../parity";

/** What becomes of each part of a workload in a swarm. */
export const DOCKER_SWARM: readonly ParityRow[] = [
  { part: "identity", how: "service of one task on a host of its own; host name and alias in one overlay network" },
  { part: "software", how: "image, by tag or digest; every host has it before anything is changed" },
  { part: "files", how: "configs, and secrets 0400 of the program's user in memory; a new object for every change" },
  {
    part: "process",
    how: "container: user, no capabilities, limits, signal and grace of a stop",
    limit:
      "A swarm sets no limit of open files: containers have that of the engine. A balancer that may not open enough does not start, and says so in its log; a broker takes fewer clients.",
    concerns: ["broker", "balancer"],
  },
  {
    part: "ports",
    how: "on the host of the instance, for clients, and operators if wanted; in the network for the rest",
    limit:
      "Dashboards, Prometheus and Alertmanager are shown by their hosts only with target.publishOperatorPorts, and then on every address: see docs/docker-swarm.md.",
  },
  { part: "data", how: "named volume on the instance's host, removed with the instance" },
  {
    part: "health",
    how: "health check: a member until it has started, then alive; the apply waits, and the swarm restarts who is silent",
  },
  { part: "start order", how: "depends_on, after being healthy; instances one after another" },
  {
    part: "changed file",
    how: "service updated; no reload",
    limit:
      "A changed file starts its program again, because configs never change: balancers do so one after another, and each cuts its clients, which connect again.",
    concerns: ["balancer"],
  },
  {
    part: "rolling update",
    how: "one by one: clients sent away, stopped, started, member again; the first that fails goes back, and the rest stay",
  },
  { part: "leaving", how: "drained, handed over, stopped, struck off; its volume is removed" },
  {
    part: "secrets",
    how: "sensitive Terraform variables",
    limit: "The state file holds the secrets: keep it as safe as them.",
  },
];
