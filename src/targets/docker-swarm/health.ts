import { forInstance } from "../../formats/references";
import { shellCommand } from "../../formats/shell";
import type { HealthCheck, Instance, Life, Workload } from "../../workload";
import { probeCommand } from "../docker-engine";

/** There as soon as the program has done its work once. In the container: a new one has none. */
export const DID_START = "/tmp/mqtt-cluster-did-start";

/** A program that works answers sooner. */
const ALIVE_SECONDS = 3;

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
  // Members go on looking at each other: after a blackout they must know that they were a cluster.
  const looksOn = workload.membership ? ` && { timeout ${health.timeoutSeconds} ${probe} >/dev/null 2>&1 || :; }` : "";
  return [
    "CMD-SHELL",
    `if [ -e ${DID_START} ]; then ${lives}${looksOn}; else ${probe} && { ! ${lives} || : >${DID_START}; }; fi`,
  ];
}

/** With what one of the images has. */
function aliveCommand({ port, path }: Life): string {
  return path
    ? choice(
        "wget",
        `wget -q -T ${ALIVE_SECONDS} -O /dev/null http://127.0.0.1:${port}${path}`,
        `curl -fsS -m ${ALIVE_SECONDS} -o /dev/null http://127.0.0.1:${port}${path}`,
      )
    : choice(
        "nc",
        `nc -z -w ${ALIVE_SECONDS} 127.0.0.1 ${port}`,
        `bash -c ${JSON.stringify(`: 3<>/dev/tcp/127.0.0.1/${port}`)}`,
      );
}

function choice(program: string, command: string, otherwise: string): string {
  return `if command -v ${program} >/dev/null; then ${command}; else ${otherwise}; fi`;
}

/** Of both questions. */
export function healthTimeoutSeconds({ alive, membership }: Workload, { timeoutSeconds }: HealthCheck): number {
  return timeoutSeconds + (alive && membership ? ALIVE_SECONDS : 0);
}
