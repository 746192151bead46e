import type { KernelParameter } from "../workload";

/** The kernel's default of fs.nr_open, above which no process may be given more open files. */
export const MOST_OPEN_FILES = 1_048_576;

/**
 * Words of a shell that raise the soft limit of open files to what is wanted, or as far as the hard one allows: where nobody
 * else sets it, it may be 1024, and Erlang takes it as it is.
 */
export function raiseOpenFiles(openFiles: number): string {
  return `ulimit -S -n ${openFiles} 2>/dev/null || ulimit -S -n "$(ulimit -H -n)"`;
}

/** What the kernel must allow before a program can have so many open files. */
export function openFilesParameter(openFiles: number): KernelParameter[] {
  return openFiles > MOST_OPEN_FILES ? [{ name: "fs.nr_open", value: String(openFiles) }] : [];
}
