import { forInstance } from "../../formats/references";
import { shellCommand } from "../../formats/shell";
import type { HealthCheck, Instance, Life, Workload } from "../../workload";
import { probeCommand } from "../docker-engine";

/** There as soon as the program has done its work once. In the container: a new one has none. */
export const DID_START = "/tmp/mqtt-cluster-did-start";

/**
 * A swarm kills what is not healthy and starts it again. So an instance must be a member to count as started, which is what a
 * rolling update waits for; from then on only silence is a reason to kill it. A broker that has lost the others would
 * lose its clients, too, and so would a balancer that has lost the brokers.
 */
export function swarmHealth(workload: Workload, health: HealthCheck, instance: Instance): string[] {
  const probe = shellCommand(probeCommand(health).map((word) => forInstance(word, instance)));
  if (!workload.alive) {
    return ["CMD-SHELL", probe];
  }
  const lives = aliveCommand(workload.alive);
  return [
    "CMD-SHELL",
    `if [ -e ${DID_START} ]; then ${lives}; else ${probe} && { ! ${lives} || : >${DID_START}; }; fi`,
  ];
}

/** With what one of the images has. */
function aliveCommand({ port, path }: Life): string {
  return path
    ? choice(
        "wget",
        `wget -q -T 3 -O /dev/null http://127.0.0.1:${port}${path}`,
        `curl -fsS -m 3 -o /dev/null http://127.0.0.1:${port}${path}`,
      )
    : choice("nc", `nc -z -w 3 127.0.0.1 ${port}`, `bash -c ${JSON.stringify(`: 3<>/dev/tcp/127.0.0.1/${port}`)}`);
}

function choice(program: string, command: string, otherwise: string): string {
  return `if command -v ${program} >/dev/null; then ${command}; else ${otherwise}; fi`;
}
