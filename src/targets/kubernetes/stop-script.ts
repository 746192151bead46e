import { INSTANCE_HOST } from "../../formats/references";
import { shellWord, shellWordWith } from "../../formats/shell";
import type { Membership } from "../../workload";
import { script } from "./files";

export const STOP = "mqtt-cluster.stop.sh";

/** How long clients may take to leave before their broker stops all the same. */
const DRAIN_SECONDS = 60;

/**
 * What a member does before it stops.
 *
 * @param scaleUrl Where the API server tells how many of them there are to be.
 * @param waitSeconds How long new clients may still be sent to it.
 * @param dataFolder Where it keeps what must survive.
 */
export function stopScript(
  { drain, leave, httpsGet }: Membership,
  hostSuffix: string,
  {
    scaleUrl,
    waitSeconds,
    dataFolder,
  }: { readonly scaleUrl: string; readonly waitSeconds: number; readonly dataFolder: string },
): string {
  const words = (command: readonly string[]) => command.map((word) => ownWord(word, hostSuffix)).join(" ");
  return [
    script("control/common.sh", "control/stop.sh"),
    `drain() { ${drain ? `timeout ${DRAIN_SECONDS} ${words(drain)}` : ":"}; }`,
    `leave() { ${words(leave)}; }`,
    `https_get() { timeout 30 ${words(httpsGet)} "$@"; }`,
    "",
    `stop ${scaleUrl} ${waitSeconds} ${dataFolder}`,
    "",
  ].join("\n");
}

/** A word of a shell command in which the host of the pod that runs it is known by its environment. */
export function ownWord(word: string, hostSuffix: string): string {
  return shellWordWith(word, INSTANCE_HOST, `"$POD_NAME"${shellWord(hostSuffix)}`);
}
