import { searchFor } from "../planted";
import { SECRETS } from "./bed";
import type { Host } from "./hosts";

/** The names of those secrets whose values a text holds. */
export const plantedIn = searchFor(SECRETS);

export interface Texts {
  /** What everybody on the host may see: command lines and logs. */
  readonly visible: string;
  readonly files: readonly { readonly path: string; readonly mode: string; readonly text: string }[];
}

const FILE = "=== file";
const FOLDERS = "/etc /usr/local /var/lib/mqtt-cluster /run /tmp /var/tmp /root /home /var/log";

/** What a deployment leaves to be read on a host. The search is done here: a searched value would itself be in the log. */
export async function textsOn(host: Host): Promise<Texts> {
  const visible = await host.run("ps -eww -o args; journalctl -o cat --no-pager");
  const files = await host.run(
    `find ${FOLDERS} -xdev -type f -size -256k ! -path "/run/log/*" ! -path "/var/log/journal/*" ` +
      `-exec sh -c 'for file; do printf "${FILE} %s %s\\n" "$(stat -c %a "$file")" "$file"; cat "$file"; echo; done' sh {} + 2>/dev/null || true`,
  );
  const parsed = files
    .split(new RegExp(`^${FILE} `, "m"))
    .slice(1)
    .map((part) => {
      const [, mode, path, text] = /^(\d+) ([^\n]*)\n([\s\S]*)$/.exec(part) as RegExpExecArray;
      return { mode, path, text };
    });
  return { visible, files: parsed };
}
