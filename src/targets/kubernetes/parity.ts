import type { ParityRow } from "../parity";

/** What becomes of each part of a workload on Kubernetes. */
export const KUBERNETES: readonly ParityRow[] = [
  { part: "identity", how: "pod of a stateful set, known by its own name in DNS; balancers are pods of a deployment" },
  { part: "software", how: "image, by tag or digest" },
  {
    part: "files",
    how: "config map, laid out by the program's own user; secrets 0400 in memory; checked by the program only when it reads them again",
  },
  {
    part: "process",
    how: "container: user, limits, grace of a stop",
    limit:
      "Kubernetes sets no limit of open files: pods have that of the nodes' container runtime. A balancer that may not open enough does not start, and says so in its log; a broker takes fewer clients.",
    concerns: ["broker", "balancer"],
  },
  {
    part: "ports",
    how: "service for clients, network policies for the rest",
    limit:
      "Dashboards, Prometheus and Alertmanager are reached by `kubectl port-forward`, or from target.operatorRanges. Network policies are kept only where the cluster's network plugin does so.",
  },
  {
    part: "data",
    how: "claim of the stateful set",
    limit:
      'Claims stay when the cluster is destroyed, unless target.storage.whenDestroyed is "delete"; that of a broker that has left stays, too.',
  },
  { part: "health", how: "readiness (member) and liveness (alive); the apply waits" },
  { part: "start order", how: "depends_on, after being ready; stateful set ordered or parallel" },
  {
    part: "changed file",
    how: "reloaded in the running pod, else the pod is replaced",
    limit:
      "A file that is reloaded reaches running pods within about two minutes, when the kubelet brings it: an apply does not wait for that, and what the program's checker refuses stands in its log.",
  },
  { part: "rolling update", how: "one by one: clients sent away, replaced, ready as the others see it" },
  {
    part: "leaving",
    how: "drained, handed over, struck off; its claim stays, and a later one of its name begins anew on it",
  },
  {
    part: "secrets",
    how: "Kubernetes secrets by name, or sensitive Terraform variables",
    limit:
      "The state holds secrets that are Terraform variables; those of Secret.kubernetes() it does not. A changed one of these reaches programs when their pods start again: `kubectl rollout restart`.",
  },
];
