/** The cluster inside a stack of one's own, beside a container that connects to it. */
import { Container } from "@cdktf/provider-docker/lib/container";
import { Image } from "@cdktf/provider-docker/lib/image";
import { DockerProvider } from "@cdktf/provider-docker/lib/provider";
import { App, TerraformOutput, TerraformStack } from "cdktf";
import { Access, Broker, MqttCluster, Secret, Target } from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "shop");

const cluster = new MqttCluster(stack, "mqtt", {
  broker: Broker.emqx({ nodes: 3 }),
  access: Access.passwords({
    users: [{ name: "tills", password: Secret.variable("tills_password") }],
    rules: [{ action: "all", topics: ["tills/${clientid}/#"] }],
  }),
  clients: { maxConnections: 2_000, maxKeepalive: "2m" },
  target: Target.docker(),
});

new DockerProvider(stack, "docker");
const image = new Image(stack, "till-image", { name: "example/till:1.4.0", keepLocally: true });
new Container(stack, "till", {
  name: "till",
  image: image.imageId,
  networkMode: "host",
  env: [`MQTT_URL=${cluster.endpoints.mqtt}`],
  // Starts when brokers are members of their cluster and the balancer sees them.
  dependsOn: cluster.resources,
});
new TerraformOutput(stack, "mqtt_url", { value: cluster.endpoints.mqtt });

app.synth();
