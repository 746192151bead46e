import type { BalancerDefinition } from "../definition/cluster";
import type { Workload } from "../workload";
import type { BalancerInput } from "./balancer-input";
import { haproxyWorkload } from "./haproxy/haproxy";
import { nginxWorkload } from "./nginx/nginx";

/** A balancer that is one: all but `Balancer.none()`. */
export type SomeBalancer = Exclude<BalancerDefinition, { kind: "none" }>;

/** The balancer, rendered for the program that was chosen. */
export function balancerWorkload(balancer: SomeBalancer, input: BalancerInput): Workload {
  return balancer.kind === "haproxy" ? haproxyWorkload(balancer, input) : nginxWorkload(balancer, input);
}
