/**
 * The one contract between programs and targets: everything a target needs to run a program, and nothing of what the
 * program is. A component renders it; a target turns it into resources of one provider.
 */

/** What a cluster is made of. A target names resources after these, so they are part of the contract with users. */
export type WorkloadName =
  | "broker"
  | "balancer"
  | "balancer-exporter"
  | "session-store"
  | "session-store-exporter"
  | "session-writer"
  | "prometheus"
  | "alertmanager";

/** One running copy of a program, with names that stay the same for as long as it exists. */
export interface Instance {
  /** Counted from 1. */
  readonly ordinal: number;
  /** `broker-1`; workloads that never have a second instance carry no number: `prometheus`. */
  readonly name: string;
  /** The name or address under which every other instance reaches it. */
  readonly host: string;
}

export interface Workload {
  readonly name: WorkloadName;
  /** The program's usual name: `emqx`, `haproxy`. */
  readonly program: string;
  readonly instances: readonly Instance[];
  readonly image: string;
  readonly files: readonly ConfigFile[];
  readonly process: Process;
  readonly ports: readonly Port[];
  readonly data: readonly DataDirectory[];
  /**
   * True only when the instance does its work *for the cluster*: for a broker, when it is a member. Absent where the image
   * holds nothing that could ask (one program and no shell): then only Prometheus notices.
   */
  readonly health?: HealthCheck;
  /** Workloads that must be healthy before this one starts. */
  readonly startsAfter: readonly WorkloadName[];
  /** Whether the instances form their cluster when started together, or must come up one after another. */
  readonly startOrder: "together" | "one-by-one";
  readonly scrape: readonly ScrapeEndpoint[];
  readonly alerts: readonly AlertRule[];
  /** What a user must know of this program as configured, said in the summary: one sentence each. */
  readonly notes: readonly string[];
}

export interface ConfigFile {
  /** Absolute path where the program reads it. */
  readonly path: string;
  /** Text that may hold references (formats/references.ts) to secrets, not to instances. */
  readonly content: string;
  /** Permission bits wanted: 0o444 for plain configuration, 0o400 when it holds secrets. */
  readonly mode: number;
  /** The program refuses to start unless it owns the file and nobody else may read it (an Erlang cookie). */
  readonly mustBeOwnedByProgram?: boolean;
  /** What brings a changed file into force. */
  readonly onChange: "reload" | "restart";
  /** The program's own checker for this file in place, run before the file is used: `["haproxy", "-c", "-f", path]`. */
  readonly check?: readonly string[];
}

export interface Process {
  /** Replaces the image's entry point when given. */
  readonly command?: readonly string[];
  readonly args: readonly string[];
  /** No secrets: an environment is visible to whoever may inspect the process. May refer to the instance. */
  readonly environment: Readonly<Record<string, string>>;
  /** User (name or number) in the image; the image's own when absent. */
  readonly user?: string;
  /** Signal that makes the program finish its work and stop. */
  readonly stopSignal: "SIGTERM" | "SIGQUIT" | "SIGUSR1" | "SIGINT";
  /** How long that may take before it is killed. */
  readonly stopGraceSeconds: number;
  /** Limit of open files, soft and hard. */
  readonly openFiles: number;
  readonly memoryMiB?: number;
  /** Processors that it may use at most; a fraction is allowed. */
  readonly cpus?: number;
}

/** Who may reach a port: clients from anywhere, operators of the cluster, or only the cluster's own instances. */
export type Audience = "clients" | "operators" | "cluster";

export interface Port {
  /** `mqtt`, `ws`, `dashboard`, `metrics` … unique within the workload. */
  readonly name: string;
  readonly number: number;
  readonly audience: Audience;
  /** URL scheme for the list of endpoints. Ports without one are not listed. */
  readonly scheme?: "mqtt" | "ws" | "http";
  /** Path of the URL: `/mqtt`. */
  readonly urlPath?: string;
}

export interface DataDirectory {
  /** `data`, unique within the workload. */
  readonly name: string;
  readonly path: string;
}

export interface HealthCheck {
  readonly probe: CommandProbe | HttpProbe;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Failures in a row after which the instance counts as unhealthy. */
  readonly retries: number;
  /** How long the first start may take; failures do not count until then. */
  readonly startPeriodSeconds: number;
}

/** Runs inside the instance; exit status 0 is healthy. May refer to the instance. */
export interface CommandProbe {
  readonly kind: "command";
  readonly command: readonly string[];
}

/** Healthy when it answers with a 2xx status. */
export interface HttpProbe {
  readonly kind: "http";
  readonly port: number;
  readonly path: string;
}

export interface ScrapeEndpoint {
  /** Prometheus job: `emqx`, `haproxy`. */
  readonly job: string;
  readonly port: number;
  readonly path: string;
}

export interface AlertRule {
  /** PascalCase, prefixed by the program: `EmqxNodeDown`. Each has a page in docs/runbooks. */
  readonly alert: string;
  /**
   * PromQL, restricted to this cluster by its `cluster` label, which every scraped series carries: one Prometheus may
   * watch several clusters.
   */
  readonly expr: string;
  /** Prometheus duration; "0s" fires at once. */
  readonly for: string;
  readonly severity: "critical" | "warning" | "info";
  readonly summary: string;
  /** What it means for clients and where to look first. May use Prometheus templates. */
  readonly description: string;
}
