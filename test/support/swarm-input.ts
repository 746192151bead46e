/** Definitions of clusters on a swarm, right but for what is asked of them. */
import { Balancer, emqx, Monitoring, SessionStore, Target } from "./bad-input";

export const swarm = (props: unknown) => ({ target: Target.dockerSwarm(props) });
export const on = (name: string, more: object = {}) => ({ constraint: `node.hostname==${name}`, ...more });
export const label = (more: object = {}) => ({ constraint: "node.labels.front==1", ...more });
/** A cluster of one broker and one balancer; `more` is about its target. */
export const inSwarm = (more: object = {}, others: object = {}) => ({
  ...emqx({ nodes: 1 }),
  monitoring: Monitoring.none(),
  ...others,
  ...swarm({ brokers: { "broker-1": on("dock1") }, balancers: { "balancer-1": on("front1") }, ...more }),
});
export const brokers = (hosts: object, others: object = {}) => inSwarm({ brokers: hosts }, others);
export const pair = (one: object, other: object, more: object = {}, balancer = Balancer.haproxy({ replicas: 2 })) =>
  inSwarm({ balancers: { "balancer-1": one, "balancer-2": other }, ...more }, { balancer });
export const EVERYTHING = { monitoring: Monitoring.prometheus(), sessionStore: SessionStore.redis() };
