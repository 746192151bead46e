import { connect } from "node:net";

/** Of HAProxy. */
const METRICS_PORT = 8405;
const REDIS_PORT = 6379;

/** Names of the brokers that a balancer sends clients to. */
export async function poolOf(address: string): Promise<string[]> {
  const metrics = await (await fetch(`http://${address}:${METRICS_PORT}/metrics`)).text();
  const up = /^haproxy_server_status\{proxy="mqtt-brokers",server="([^"]+)",state="UP"\} 1$/gm;
  return [...metrics.matchAll(up)].map(([, name]) => name).sort();
}

/** What Redis answers to commands, one after another. */
export function askRedis(address: string, commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(REDIS_PORT, address, () => socket.end([...commands, "QUIT", ""].join("\r\n")));
    socket.setTimeout(5_000, () => socket.destroy(new Error("Redis does not answer")));
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
