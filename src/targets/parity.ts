import type { Workload, WorkloadName } from "../workload";

/** What a target makes of one part of a workload. */
export interface ParityRow {
  readonly part: string;
  readonly how: string;
  /** What a user must know of it, in a sentence. */
  readonly limit?: string;
  /** The workloads that `limit` is about; all of them when absent. */
  readonly concerns?: readonly WorkloadName[];
}

/** The table of `docs/target-parity.md`. */
export function parityTable(targets: Readonly<Record<string, readonly ParityRow[]>>): string {
  const parts = [...new Set(Object.values(targets).flatMap((rows) => rows.map(({ part }) => part)))];
  const cell = (rows: readonly ParityRow[], part: string) => rows.find((row) => row.part === part)?.how ?? "–";
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...Object.keys(targets)]),
    row(["---", ...Object.keys(targets).map(() => "---")]),
    ...parts.map((part) => row([part, ...Object.values(targets).map((rows) => cell(rows, part))])),
  ].join("\n");
}

/** The limits that concern these workloads, as notes of the summary. */
export function limitsFor(rows: readonly ParityRow[], workloads: readonly Workload[]): string[] {
  const names = workloads.map(({ name }) => name);
  return rows.flatMap(({ limit, concerns }) =>
    limit && (!concerns || concerns.some((name) => names.includes(name))) ? [limit] : [],
  );
}
