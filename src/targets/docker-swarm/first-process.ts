import { readFileSync } from "node:fs";
import { join } from "node:path";
import { INSTANCE_HOST } from "../../formats/references";
import { shellWord, shellWordWith } from "../../formats/shell";
import type { Instance, Membership, Workload } from "../../workload";
import { DID_START } from "./health";

const PLACE = "/run/mqtt-cluster/first-process";

/** How long clients may take to leave before their broker stops all the same. */
const DRAIN_SECONDS = 60;
/** How long what lives on a member may take to move when the member leaves for good. */
const LEAVE_SECONDS = 300;
/**
 * Between the starts of members that see nobody. When all hosts were down, an engine that finds no other one at its start
 * tries again after 60 s, and asks for the names within another 30 s (libnetwork's networkdb).
 */
const TURN_SECONDS = 90;

let script: string | undefined;

/** The first process of every container of the workload; undefined where the program itself is. */
export function firstProcessFile(workload: Workload): { readonly path: string; readonly content: string } | undefined {
  const { membership, process } = workload;
  if (!membership) {
    return undefined;
  }
  if (process.stopSignal === "SIGINT" || process.stopSignal === "SIGQUIT") {
    // A shell starts what runs beside it deaf to the signals of a keyboard.
    throw new Error(`${workload.program} has members and stops by ${process.stopSignal}, which would not reach it`);
  }
  script ??= readFileSync(join(__dirname, "control/first-process.sh"), "utf8");
  return {
    path: PLACE,
    content: [
      script,
      `did_start=${DID_START}`,
      `signal=${process.stopSignal.slice(3)}`,
      `grace=${process.stopGraceSeconds}`,
      `drain() { ${membership.drain ? `timeout -s KILL ${DRAIN_SECONDS} ${aboutOwnHost(membership.drain)}` : ":"}; }`,
      `leave() { ${aboutOwnHost(membership.leave)}; }`,
      "",
      "# first-process OWN_HOST SECONDS PEERS COMMAND...",
      "host=$1 seconds=$2 peers=$3",
      "shift 3",
      "trap 'exit 143' TERM",
      `await_end_of_the_one_before ${shellWord(workload.data[0].path)}`,
      "# shellcheck disable=SC2086 # words",
      'await_somebody "$seconds" $peers',
      'start "$@"',
      "",
    ].join("\n"),
  };
}

/** All instances have the same file: who it is they are told. */
function aboutOwnHost(command: Membership["leave"]): string {
  return command.map((word) => shellWordWith(word, INSTANCE_HOST, '"$host"')).join(" ");
}

/** @param command What starts the program. */
export function withFirstProcess(
  workload: Workload,
  instance: Instance,
  command: readonly string[] | undefined,
): string[] {
  const { instances, program } = workload;
  if (!command) {
    throw new Error(`${program} has members, and does not say what starts it`);
  }
  // The same, whoever else comes and goes: another word would be a new start.
  const others = instances.slice(0, 3).filter((other) => other !== instance);
  return [
    "sh",
    PLACE,
    instance.host,
    String(secondsForOthers(workload, instance)),
    others.map(({ host }) => host).join(" "),
    ...command,
  ];
}

/** How long a member waits for another one to be seen before it starts, at the most: those after the third for as long as it. */
export function secondsForOthers({ instances }: Workload, instance: Instance): number {
  return Math.min(instances.indexOf(instance), 2) * TURN_SECONDS;
}

/** Terraform's provider waits for as long until a service's container is not only stopped, but gone, and fails otherwise. */
const LEAST_GRACE_SECONDS = 30;

export function stopGraceSeconds({ membership, process }: Workload): number {
  const own = process.stopGraceSeconds + (membership ? DRAIN_SECONDS + LEAVE_SECONDS : 0);
  return Math.max(own, LEAST_GRACE_SECONDS);
}
