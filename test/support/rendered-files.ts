import { join } from "node:path";
import { resolveSecrets } from "../../src/formats/references";
import type { Workload } from "../../src/workload";

export const SECRET = "a-token-of-24-characters";

/** Text in which the workload's own files and data lie below a folder, as they do for a program that is run from there. */
export function below(folder: string, { files, data }: Workload): (text: string) => string {
  // The longest first: /prometheus is also the beginning of other paths' names.
  const paths = [...files, ...data].map(({ path }) => path).sort((a, b) => b.length - a.length);
  const own = new RegExp(`(?<![\\w.:/])(?:${paths.join("|")})(?![\\w/.])`, "g");
  return (text) => text.replace(own, (path) => join(folder, path));
}

/** A file as the program gets it, all secrets being the same. */
export function withSecrets(content: string): string {
  return resolveSecrets(content, { literal: (text) => text, secret: () => SECRET, basicAuth: () => SECRET });
}
