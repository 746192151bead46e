import type { Placement } from "../../placement/placement";

/** Where EMQX keeps and offers things, whatever the definition says. */

/** Where the package has the file that EMQX reads there and nowhere else. */
export const PACKAGED_CONFIG = "/etc/emqx/emqx.conf";

export function emqxPlaces({ folder, software }: Pick<Placement, "folder" | "software">) {
  // Of the official image: the program finds its configuration in `etc` beside itself; no option or variable moves it.
  const etc = folder("broker", "configuration", "/opt/emqx/etc");
  return {
    config: `${etc}/emqx.conf`,
    /** Read before `config`, from 5.8.4 on. */
    base: `${etc}/base.hocon`,
    /** Of a secret that EMQX reads by itself. A Kubernetes secret has no underscore in its name: no two become one. */
    secret: (source: string, name: string) => `${etc}/secret-${source}-${name.replace("/", "_")}`,
    peers: `${etc}/peers.conf`,
    membership: `${etc}/membership`,
    acl: `${etc}/acl.conf`,
    users: `${etc}/users.csv`,
    /** The folder as settings name it: EMQX puts that of its configuration for `${EMQX_ETC_DIR}`. */
    etc: software === "image" ? "${EMQX_ETC_DIR}" : etc,
    data: folder("broker", "data", "/opt/emqx/data"),
  };
}

export type EmqxPlaces = ReturnType<typeof emqxPlaces>;

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
