/** Only the Redis: users, limits, persistence and the function that brokers write sessions with. */
import { App, TerraformStack } from "cdktf";
import { RedisSessionStore, Target } from "cdktf-mqtt-cluster";

const app = new App();
const stack = new TerraformStack(app, "sessions");

const store = new RedisSessionStore(stack, "redis", { redis: { memory: "512MB" }, target: Target.docker() });
console.log(store.summary);

app.synth();
