import type { KernelParameter } from "../workload";

/** The kernel's default of fs.nr_open, above which no process may be given more open files. */
export const MOST_OPEN_FILES = 1_048_576;

/** What the kernel must allow before a program can have so many open files. */
export function openFilesParameter(openFiles: number): KernelParameter[] {
  return openFiles > MOST_OPEN_FILES ? [{ name: "fs.nr_open", value: String(openFiles) }] : [];
}
