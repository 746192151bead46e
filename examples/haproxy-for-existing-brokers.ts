/** Only the balancer, in front of three brokers that run elsewhere. */
import { App, TerraformStack } from "cdktf";
import { Balancer, MqttBalancer, Target } from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "edge");

const balancer = new MqttBalancer(stack, "mqtt", {
  brokers: {
    hosts: ["10.0.0.11", "10.0.0.12", "10.0.0.13"],
    healthCheckPort: 18083,
    // Only if the brokers' listeners are set to it, too.
    proxyProtocol: true,
  },
  balancer: Balancer.haproxy({ algorithm: "clientId" }),
  clients: { maxConnections: 20_000 },
  target: Target.docker(),
});
console.log(balancer.summary);

app.synth();
