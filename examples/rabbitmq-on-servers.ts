/** Three RabbitMQ nodes of Debian 12 on servers that set themselves up at their first boot: no SSH, no provider of ours. */
import { App, Fn, TerraformOutput, TerraformStack } from "cdktf";
import {
  Access,
  Balancer,
  Broker,
  Monitoring,
  MqttCluster,
  Secret,
  Target,
  type VmHostProps,
} from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "plant");

// Nobody logs in, so there is no host key to check.
const host = (address: string): VmHostProps => ({ address, hostKey: "unchecked" });

const cluster = new MqttCluster(stack, "mqtt", {
  broker: Broker.rabbitmq({ nodes: 3, version: "3.10", nodeCookie: Secret.file("/etc/mqtt/node.cookie") }),
  balancer: Balancer.haproxy(),
  access: Access.passwords({
    // Files that every broker's host is given by other means: user data is no place for secrets.
    users: [{ name: "machines", password: Secret.file("/etc/mqtt/machines.password") }],
    rules: [{ action: "all", topics: ["machines/${username}/#"] }],
  }),
  monitoring: Monitoring.none(),
  target: Target.vms({
    provisionedBy: "userData",
    brokers: { "broker-1": host("10.0.0.11"), "broker-2": host("10.0.0.12"), "broker-3": host("10.0.0.13") },
    balancers: { "balancer-1": host("10.0.0.21") },
  }),
});

for (const instance of ["broker-1", "broker-2", "broker-3", "balancer-1"]) {
  // In place of the outputs: `userDataBase64` of the resource that makes the host.
  new TerraformOutput(stack, `${instance}-user-data`, {
    value: Fn.base64gzip(cluster.userData(instance)),
    sensitive: true,
  });
}

app.synth();
