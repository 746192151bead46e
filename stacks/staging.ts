import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Balancer, MqttCluster, Target, type VmHostProps } from "../src";
import { definition } from "./definition";

/**
 * The same cluster on six servers, over SSH: three brokers, two balancers with one address between them, and one host for
 * Redis and monitoring. Addresses and host keys are examples: put yours in their place, the keys as
 * `ssh-keyscan -t ed25519 <address>` prints them.
 *
 * EMQX comes from EMQX's own apt repository, which the brokers' hosts must have; `packages` would fetch a .deb instead.
 */
const HOSTS = {
  mqtt1: host("192.0.2.11", "10.0.0.11", "AAAAC3NzaC1lZDI1NTE5AAAAINZxu9wne7q+IxTR+KXe7aHJaIJF2lPEoKeo8IIGMzd6"),
  mqtt2: host("192.0.2.12", "10.0.0.12", "AAAAC3NzaC1lZDI1NTE5AAAAIFexNr8wFgJ1h526Mg5F8jbf1J2YUHAF6Ltig5gTAHkf"),
  mqtt3: host("192.0.2.13", "10.0.0.13", "AAAAC3NzaC1lZDI1NTE5AAAAIPKIB1y6RT+9M/FhqeMimeNG1Ej61XB8HEUIMlMglXYP"),
  edge1: host("192.0.2.21", "10.0.0.21", "AAAAC3NzaC1lZDI1NTE5AAAAIA2bEonBcSH35lAE3vJMcv5g2omKApMxMu/k1Ptj6FNl"),
  edge2: host("192.0.2.22", "10.0.0.22", "AAAAC3NzaC1lZDI1NTE5AAAAIODzWXqXLSF+QcT+3vYWYQKdTV407bju620SCT4EgXQ0"),
  tools: host("192.0.2.31", "10.0.0.31", "AAAAC3NzaC1lZDI1NTE5AAAAIPhHHP3KTnYOY8rdvZO/OhjNbcZg46HO/WffyIJBswwe"),
};

function host(address: string, privateAddress: string, key: string): VmHostProps {
  return { address, privateAddress, hostKey: `ssh-ed25519 ${key}` };
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
