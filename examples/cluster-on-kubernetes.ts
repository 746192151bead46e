/** RabbitMQ on a Kubernetes cluster, watched by the Prometheus operator that runs there; no secret passes through Terraform. */
import { App, TerraformStack } from "cdktf";
import { Access, Broker, Monitoring, MqttCluster, Secret, Target } from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "plant");

// `kubectl -n plant create secret generic mqtt --from-literal=sensors=… --from-literal=backend=… --from-literal=cookie=…`
const cluster = new MqttCluster(stack, "mqtt", {
  broker: Broker.rabbitmq({ memory: "4GB", nodeCookie: Secret.kubernetes("mqtt", "cookie") }),
  access: Access.passwords({
    users: [
      { name: "sensors", password: Secret.kubernetes("mqtt", "sensors") },
      { name: "backend", password: Secret.kubernetes("mqtt", "backend") },
    ],
    rules: [
      { users: ["sensors"], action: "publish", topics: ["plant/${username}/#"] },
      { users: ["backend"], action: "all", topics: ["plant/#"] },
    ],
  }),
  monitoring: Monitoring.prometheusOperator({ labels: { release: "kube-prometheus-stack" } }),
  target: Target.kubernetes({ namespace: "plant", clients: { type: "LoadBalancer" } }),
});

console.log(cluster.summary);
app.synth();
