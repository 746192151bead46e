import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { secretsIn } from "../../formats/references";
import { shellCommand, shellWord } from "../../formats/shell";
import type { ConfigFile, JsonObject, Workload } from "../../workload";
import { isMadeHere } from "./made-here";

/** Where the pods of this target have what is not the program's. */
const ROOT = "/run/mqtt-cluster";
export const TEMPLATES = `${ROOT}/templates`;
export const SECRETS = `${ROOT}/secrets`;
const FILES = `${ROOT}/files`;

const LAY_OUT = "mqtt-cluster.lay-out.sh";
const FOLLOW = "mqtt-cluster.follow.sh";

const scripts = new Map<string, string>();

/** A script of this folder, or of the targets' own. */
export function script(...names: readonly string[]): string {
  return names
    .map((name) => {
      const text = scripts.get(name) ?? readFileSync(join(__dirname, name), "utf8");
      scripts.set(name, text);
      return text;
    })
    .join("");
}

const COMMON = "control/common.sh";

/** The key of a file in the workload's config map, and its name beside the others. */
export function keyOf({ path }: ConfigFile): string {
  return posix.basename(path);
}

/**
 * Whether a changed file reaches the running program. One with secrets does not: it is made when a pod starts, and a
 * changed secret is seen there only. Nor does one of a program that its own maker starts.
 */
export function isFollowed(workload: Workload, { content, onChange }: ConfigFile): boolean {
  const isRead = onChange === "nothing" || (onChange === "reload" && workload.reloadSignal !== undefined);
  return isRead && secretsIn(content).length === 0 && isMadeHere(workload);
}

/** Whether running pods must be replaced when it changes. */
export function needsRestart(workload: Workload, file: ConfigFile): boolean {
  return !isFollowed(workload, file) && file.onChange !== "nothing";
}

/** What the config map of a workload holds: its files with references in place of secrets, and the scripts that use them. */
export function templatesOf(workload: Workload): Record<string, string> {
  const { files } = workload;
  const keys = files.map(keyOf);
  if (new Set(keys).size < keys.length) {
    throw new Error(`${workload.program} has two files of one name: ${keys.join(", ")}`);
  }
  return {
    ...Object.fromEntries(files.map((file) => [keyOf(file), file.content])),
    ...(files.length > 0 ? layOutTemplate() : {}),
    ...(followed(workload).length > 0 ? { [FOLLOW]: followScript(workload) } : {}),
  };
}

function followed(workload: Workload): ConfigFile[] {
  return workload.files.filter((file) => isFollowed(workload, file));
}

function followScript(workload: Workload): string {
  const lines = followed(workload).map((file) => {
    const effect = file.onChange === "reload" ? "reload" : "nothing";
    return `  follow ${shellWord(keyOf(file))} ${effect}${file.check ? ` ${shellCommand(file.check)}` : ""}`;
  });
  const signal = (workload.reloadSignal ?? "SIGHUP").slice(3);
  return `${script(COMMON, "control/follow.sh")}\nfollow_all() {\n${lines.join("\n")}\n}\n\nforever ${signal}\n`;
}

/** The script behind the commands below. */
export function layOutTemplate(): Record<string, string> {
  return { [LAY_OUT]: script(COMMON, "../fill-secrets.sh", "control/lay-out.sh") };
}

/** The command that checks secrets before anything else is made: by source and name. */
export function checkSecretsCommand(secrets: readonly string[]): string[] {
  return ["sh", `${TEMPLATES}/${LAY_OUT}`, "check", ...secrets];
}

/** Lays the files out before the program starts; `undefined` where there are none. */
export function layOutCommand({ files }: Workload): string[] | undefined {
  if (files.length === 0) {
    return undefined;
  }
  const words = files.map((file) => `${keyOf(file)}:${file.mode.toString(8).padStart(4, "0")}`);
  return ["sh", `${TEMPLATES}/${LAY_OUT}`, "files", ...words];
}

/** Empties the folder of a member that has left for good before. */
export function freshDataCommand(folder: string): string[] {
  return ["sh", `${TEMPLATES}/${LAY_OUT}`, "data", folder];
}

/** Waits until others find the pod under the name of its host. */
export function namedCommand(host: string, address: string): string[] {
  return ["sh", `${TEMPLATES}/${LAY_OUT}`, "named", host, address];
}

/** Starts what brings changed files to the running program, and does not wait for it. */
export function followCommand(workload: Workload): string[] | undefined {
  return followed(workload).length > 0
    ? ["sh", "-c", `sh ${TEMPLATES}/${FOLLOW} </dev/null >/proc/1/fd/2 2>&1 &`]
    : undefined;
}

/** Mounts of the init container, which sees templates and secrets. */
export function layOutMounts(hasSecrets: boolean): JsonObject[] {
  return [
    { name: "templates", mountPath: TEMPLATES, readOnly: true },
    ...(hasSecrets ? [{ name: "secrets", mountPath: SECRETS, readOnly: true }] : []),
    { name: "files", mountPath: FILES },
  ];
}

/** Mounts of the program: every file at its place, and beside it what is needed to bring new ones. */
export function fileMounts(workload: Workload): JsonObject[] {
  return [
    ...workload.files.map((file) => ({
      name: "files",
      mountPath: file.path,
      subPath: keyOf(file),
      readOnly: true,
    })),
    ...(workload.files.length > 0 ? [{ name: "templates", mountPath: TEMPLATES, readOnly: true }] : []),
    ...(followed(workload).length > 0 ? [{ name: "files", mountPath: FILES }] : []),
  ];
}
