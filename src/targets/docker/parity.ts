import type { ParityRow } from "../parity";

/** What becomes of each part of a workload on Docker. `docs/target-parity.md` and the summary's notes are made from it. */
export const DOCKER: readonly ParityRow[] = [
  { part: "identity", how: "container name, host name and alias in one network" },
  { part: "software", how: "image, by tag or digest" },
  { part: "files", how: "uploaded; mode widened to be readable, because an upload cannot set the owner" },
  { part: "process", how: "container: user, limits, signal and grace of a stop; no swap" },
  { part: "ports", how: "published for clients and operators, in the network for the rest" },
  { part: "data", how: "named volume" },
  { part: "health", how: "health check, waited for by the apply" },
  { part: "start order", how: "depends_on, after being healthy" },
  {
    part: "changed file",
    how: "container replaced; no reload",
    limit:
      "A changed file replaces its container, because containers are not reloaded: a changed balancer cuts every client, which connects again.",
    concerns: ["balancer"],
  },
  {
    part: "rolling update",
    how: "not possible",
    limit:
      "Terraform destroys all changed containers before it makes any new one: a changed broker setting is a short outage of the whole cluster. Only what changed is replaced, and data stays on its volumes.",
    concerns: ["broker"],
  },
  {
    part: "leaving",
    how: "not possible",
    limit: "A broker that is removed stays a stopped member until the others are told; see docs/docker.md.",
    concerns: ["broker"],
  },
  {
    part: "secrets",
    how: "sensitive Terraform variables",
    limit: "The state file holds the secrets: keep it as safe as them.",
  },
];
