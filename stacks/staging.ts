import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Balancer, MqttCluster, Target, type VmHostProps } from "../src";
import { definition } from "./definition";

/**
 * The same cluster on six servers, over SSH: three brokers, two balancers with one address between them, and one host for
 * Redis and monitoring. Addresses and host keys are examples: put yours in their place, the keys as
 * `ssh-keyscan -t ecdsa <address>` prints them.
 *
 * EMQX comes from EMQX's own apt repository, which the brokers' hosts must have; `packages` would fetch a .deb instead.
 */
const HOSTS = {
  mqtt1: host(
    "192.0.2.11",
    "10.0.0.11",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCmdlNbvVsOgA1Qy0Th5XnSQ9u9H/e2VFTqUntc7/jILQxjzTDYS29Jgk62UDlaRP1oqI1cjnLdOJnduyUDXeho=",
  ),
  mqtt2: host(
    "192.0.2.12",
    "10.0.0.12",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBDMckjk5edsqi9r566oCp7WlIRj++BrYTgUz6h8ww+oNnb4cIozj8LLkaW0oNqyfJvVpiEdIprzLuAI25/iZqA=",
  ),
  mqtt3: host(
    "192.0.2.13",
    "10.0.0.13",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKeUr+Ylar9lzsuvylAFWH0Arti4fOX3q6rdjpZs007B4E8okKWwyMntL2qwqlPMhUyRmEJMT5VchIvYvRsD5w8=",
  ),
  edge1: host(
    "192.0.2.21",
    "10.0.0.21",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBF7SHbumaC1Xz4lCe22nUmYvTJXpC4j++xpZUuFD+QL+ZJ5cum+n0w7QfK9o8ReMdGpP6hra+5HYi82Y0qO6TLA=",
  ),
  edge2: host(
    "192.0.2.22",
    "10.0.0.22",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMhK3MW+1dqt9JQgFO980Zc/s2gUudGvQI3KWD/UHdzEfDUt7BLrwD4o9wZSlQ+zqqrqmia8a+weeVUPBsLhT2A=",
  ),
  tools: host(
    "192.0.2.31",
    "10.0.0.31",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD16+gzOuRoYSzAP/T0qFVbQyZcstTUP0VGru7NcvSV8GBDkzHghhXRR8EUK8U62k3qID4qOmXNY/BhES83HdYw=",
  ),
};

function host(address: string, privateAddress: string, key: string): VmHostProps {
  return { address, privateAddress, hostKey: `ecdsa-sha2-nistp256 ${key}` };
}

/** Everything on servers that have SSH and systemd. */
export class StagingStack extends TerraformStack {
  public readonly cluster: MqttCluster;

  public constructor(scope: Construct) {
    super(scope, "staging");
    this.cluster = new MqttCluster(this, "mqtt", {
      ...definition,
      balancer: Balancer.haproxy({ replicas: 2 }),
      target: Target.vms({
        ssh: { user: "deploy", privateKeyFile: "~/.ssh/id_ed25519" },
        brokers: { "broker-1": HOSTS.mqtt1, "broker-2": HOSTS.mqtt2, "broker-3": HOSTS.mqtt3 },
        balancers: { "balancer-1": HOSTS.edge1, "balancer-2": HOSTS.edge2 },
        virtualAddress: { address: "192.0.2.20/24", interface: "eth0" },
        sessionStore: HOSTS.tools,
        monitoring: HOSTS.tools,
      }),
    });
  }
}
