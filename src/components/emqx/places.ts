/** Where EMQX keeps and offers things, whatever the definition says. */

/**
 * Of the official image, and of the tar.gz package unpacked in /opt/emqx. The program finds its configuration in `etc`
 * beside itself; no option or variable moves it.
 */
export const ETC = "/opt/emqx/etc";
export const DATA = "/opt/emqx/data";

/** Dashboard, HTTP API and metrics. */
export const API_PORT = 18083;

/** Fixed as long as the part of the node's name before the `@` ends in no digit, which EMQX would add to it. */
export const DISTRIBUTION_PORT = 4370;
export const RPC_PORT = 5369;

/** `emqx@<host>`; see DISTRIBUTION_PORT. */
export function nodeName(host: string): string {
  return `emqx@${host}`;
}

export const WS_PATH = "/mqtt";
