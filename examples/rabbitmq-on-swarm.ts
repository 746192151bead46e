/** Three RabbitMQ nodes on three hosts of a Docker Swarm that is there already, with a balancer on two of them. */
import { App, TerraformOutput, TerraformStack } from "cdktf";
import {
  Access,
  Balancer,
  Broker,
  Monitoring,
  MqttCluster,
  Secret,
  type SwarmHostProps,
  Target,
} from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "plant");

// As `docker node ls` shows it. Clients reach a host by the same name here; `address` says another one.
const host = (name: string): SwarmHostProps => ({ constraint: `node.hostname==${name}` });

const cluster = new MqttCluster(stack, "mqtt", {
  broker: Broker.rabbitmq({ nodes: 3 }),
  balancer: Balancer.haproxy({ replicas: 2 }),
  access: Access.passwords({
    users: [{ name: "machines", password: Secret.variable("machines_password") }],
    rules: [{ action: "all", topics: ["machines/${username}/#"] }],
  }),
  monitoring: Monitoring.prometheus({ webhook: { url: "https://alerts.example.com/hook" } }),
  target: Target.dockerSwarm({
    // Any manager will do; this one is the machine that runs Terraform.
    host: "unix:///var/run/docker.sock",
    brokers: { "broker-1": host("dock1"), "broker-2": host("dock2"), "broker-3": host("dock3") },
    balancers: { "balancer-1": host("dock1"), "balancer-2": host("dock2") },
    monitoring: host("dock3"),
  }),
});

// There is no address that moves between the two: clients are given both.
new TerraformOutput(stack, "balancers", { value: ["dock1", "dock2"].map((name) => `mqtt://${name}:1883`) });

console.log(cluster.summary);
app.synth();
