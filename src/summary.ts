import { secretsIn } from "./formats/references";
import type { Deployment, Platform } from "./targets/platform";
import type { Audience, Workload } from "./workload";

const AUDIENCES: Record<Audience, string> = {
  clients: "clients",
  operators: "operators",
  cluster: "the cluster's own network only",
};

/** What the summary tells of. */
export interface SummarisedDeployment {
  /** `what`: "MQTT cluster". */
  readonly plan: { readonly what: string; readonly name: string; readonly platform: Platform };
  readonly workloads: readonly Workload[];
  readonly deployment: Deployment;
}

/** What a stack is about to make, as text for people. */
export class Summary {
  public constructor(
    private readonly stack: string,
    private readonly made: SummarisedDeployment,
  ) {}

  public toString(): string {
    const { what, name, platform } = this.made.plan;
    return [
      `${this.stack}: ${what} ${name}, ${platform.title}`,
      ...section("nodes", this.nodes()),
      ...section("endpoints", this.endpoints()),
      ...section("exposed", this.exposure()),
      ...section("files", this.files()),
      ...section("secrets", this.secrets()),
      ...section("to know", this.knowledge()),
    ].join("\n");
  }

  private nodes(): string[] {
    return table(
      this.made.workloads.flatMap((workload) => {
        const software = this.made.plan.platform.softwareOf(workload);
        return workload.instances.map(({ name, host }) => [name, workload.program, software, host]);
      }),
    );
  }

  private endpoints(): string[] {
    // Two balancers behind one address are one endpoint.
    const byUrl = new Map(this.made.deployment.endpoints.map((endpoint) => [endpoint.url, endpoint]));
    return table([...byUrl.values()].map(({ name, url, audience }) => [name, url, `for ${AUDIENCES[audience]}`]));
  }

  private exposure(): string[] {
    const { endpoints } = this.made.deployment;
    const shown = new Set(endpoints.map(({ name }) => name));
    const internal = this.made.workloads.flatMap(({ ports, name }) =>
      ports
        // Also dashboards that no host shows.
        .filter(({ audience, name: port }) => audience === "cluster" || (audience === "operators" && !shown.has(port)))
        .map(({ number }) => `${name}:${number}`),
    );
    return [
      ...(["clients", "operators"] as const).flatMap((audience) => {
        const bound = endpoints.filter((endpoint) => endpoint.audience === audience);
        return bound.length > 0 ? [`to ${AUDIENCES[audience]}: ${bound.map(({ boundTo }) => boundTo).join(", ")}`] : [];
      }),
      ...(internal.length > 0 ? [`to ${AUDIENCES.cluster}: ${internal.join(", ")}`] : []),
    ];
  }

  private files(): string[] {
    return table(
      this.made.workloads.flatMap(({ name, files, instances }) =>
        files.map(({ path, content, onlyFor }) => [
          onlyFor ?? name + (instances.length > 1 ? ` (x${instances.length})` : ""),
          path,
          `${content.split("\n").length} lines`,
          secretsIn(content).length > 0 ? "holds secrets" : "",
        ]),
      ),
    );
  }

  private secrets(): string[] {
    return this.made.deployment.secretVariables.map((variable) => `${variable}    (sensitive Terraform variable)`);
  }

  private knowledge(): string[] {
    return [...this.made.workloads.flatMap(({ notes }) => notes), ...this.made.deployment.notes].map(
      (note) => `- ${note}`,
    );
  }
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? [`  ${title}`, ...lines.map((line) => `    ${line}`)] : [];
}

/** Rows in columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
}
