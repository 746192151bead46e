import { secretsIn } from "../../formats/references";
import { shellWord } from "../../formats/shell";
import type { ConfigFile } from "../../workload";

/** Ends each file's text; no line of a rendered file is this. */
const END = "END-OF-MQTT-CLUSTER-FILE";

/**
 * The files of an instance as the script that `place` of the control script reads, with references to secrets still in it. It lives on
 * the host only for as long as that takes.
 */
export function filesScript(files: readonly ConfigFile[]): string {
  return files.map(fileLines).join("");
}

function fileLines(file: ConfigFile): string {
  const { path, content, mode } = file;
  if (content.split("\n").includes(END)) {
    throw new Error(`${path} has the line ${END}, which ends it`);
  }
  const owner = file.mustBeOwnedByProgram || secretsIn(content).length > 0 ? "program" : "root";
  const [text, newline] = content.endsWith("\n") ? [content, "newline"] : [`${content}\n`, "no-newline"];
  return `file ${shellWord(path)} ${mode.toString(8).padStart(4, "0")} ${owner} ${newline} <<'${END}'\n${text}${END}\n`;
}
