import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Balancer, MqttCluster, type SwarmHostProps, Target } from "../src";
import { definition } from "./definition";

/**
 * The same cluster on the three Docker hosts of a site, which are a swarm of three managers: a broker on each, balancers on
 * two, Redis and monitoring on the third. Each host has a label of its own, given once on a manager:
 *
 *   docker node update --label-add member=1 dock1
 *
 * Labels and addresses are examples: put yours in their place.
 */
const HOSTS = {
  dock1: host("1", "192.0.2.41"),
  dock2: host("2", "192.0.2.42"),
  dock3: host("3", "192.0.2.43"),
};

function host(member: string, address: string): SwarmHostProps {
  return { constraint: `node.labels.member==${member}`, address };
}

/** Everything as services of a swarm. Clients know the addresses of both balancers. */
export class EdgeStack extends TerraformStack {
  public readonly cluster: MqttCluster;

  public constructor(scope: Construct) {
    super(scope, "edge");
    this.cluster = new MqttCluster(this, "mqtt", {
      ...definition,
      balancer: Balancer.haproxy({ replicas: 2 }),
      clients: { maxConnections: 2_000 },
      target: Target.dockerSwarm({
        host: "ssh://deploy@192.0.2.41",
        brokers: { "broker-1": HOSTS.dock1, "broker-2": HOSTS.dock2, "broker-3": HOSTS.dock3 },
        balancers: { "balancer-1": HOSTS.dock1, "balancer-2": HOSTS.dock2 },
        sessionStore: HOSTS.dock3,
        monitoring: HOSTS.dock3,
      }),
    });
  }
}
