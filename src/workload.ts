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
  | "alertmanager"
  | "virtual-address";

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
  /** The same program as Linux distributions package it; absent where none does. */
  readonly package?: Package;
  readonly files: readonly ConfigFile[];
  readonly process: Process;
  readonly ports: readonly Port[];
  readonly data: readonly DataDirectory[];
  /** What makes the running program read its changed files again; absent where it cannot: then every change is a restart. */
  readonly reloadSignal?: "SIGHUP" | "SIGUSR2";
  /** Status 0 when the last reload went well; absent where the program keeps nothing of it. Run like a health probe. */
  readonly reloadCheck?: readonly string[];
  /** How single instances come and go; absent where they know nothing of each other, or the target leaves them alone. */
  readonly membership?: Membership;
  /** Clients of another workload that come through this one, and how to send them elsewhere; absent where it cannot. */
  readonly pool?: Pool;
  /** Settings of the host's kernel that the program works better with. */
  readonly kernelParameters?: readonly KernelParameter[];
  /**
   * True only when the instance does its work *for the cluster*: for a broker, when it is a member. Absent where the image
   * holds nothing that could ask (one program and no shell): then only Prometheus notices.
   */
  readonly health?: HealthCheck;
  /** Answers for as long as the process works at all, a member or not: where it is silent for long, only a restart helps. */
  readonly alive?: Life;
  /** What it must reach to do its work; everything else may be kept from it. */
  readonly connectsTo: readonly Connection[];
  /** The same program as its maker packages it for Kubernetes; absent where nobody does. */
  readonly chart?: Chart;
  /** The same program as its maker's operator runs it on Kubernetes; absent where there is none. */
  readonly customResource?: CustomResource;
  /**
   * What to do about it, where the program looks up the addresses of others at its start only, and so loses those that get new
   * ones.
   */
  readonly looksUpOnce?: string;
  /** Workloads that must be healthy before this one starts. */
  readonly startsAfter: readonly WorkloadName[];
  /** Whether the instances form their cluster when started together, or must come up one after another. */
  readonly startOrder: "together" | "one-by-one";
  readonly scrape: readonly ScrapeEndpoint[];
  readonly alerts: readonly AlertRule[];
  /** What a user must know of this program as configured, said in the summary: one sentence each. */
  readonly notes: readonly string[];
}

/** A program in the repositories of Debian and Ubuntu. */
export interface Package {
  /** `haproxy` */
  readonly name: string;
  /** Installed with it, because this workload's files or commands use them: `["socat"]`. */
  readonly alsoNeeds?: readonly string[];
  /** The only one that will do, whole or in part: "2.6" takes every 2.6.x. Absent where any from `atLeast` on will. */
  readonly version?: string;
  /** The oldest that the files were written for. */
  readonly atLeast: string;
  /** Units that the package starts by itself and that stay off, because the workload has a unit of its own. */
  readonly units: readonly string[];
  /** The system user that the package makes for the program; the program runs as this one. */
  readonly user: string;
  /** Of the powers of root, those that a program that runs as root needs: `["CAP_NET_ADMIN"]`. */
  readonly capabilities?: readonly string[];
  /** Takes the place of `process.command`: where the package has the program. */
  readonly command?: readonly string[];
  /**
   * Files that the program reads in one place only: by that place, the file's own path. They are shown to the program there,
   * and to nobody else.
   */
  readonly fixedPaths?: Readonly<Record<string, string>>;
}

/** Commands run inside an instance, as its program's user and in its environment, like a health probe. */
export interface Membership {
  /** Status 0 when the instance that runs it counts the peer among its running members. May refer to the peer. */
  readonly sees: readonly string[];
  /** Turns the clients of the instance that runs it away, so that they go to the others; ends when none is left. */
  readonly drain?: readonly string[];
  /** Run by another member before the peer stops for good: moves what lives there only. May refer to the peer. */
  readonly release?: readonly string[];
  /** Run by another member when the peer has stopped for good: strikes it off. May refer to the peer. */
  readonly forget: readonly string[];
  /**
   * Run by an instance itself that stops for good, where nobody else can be asked: its clients go, what lives there only
   * moves, and the others strike it off, at the latest when it has stopped. May refer to the instance.
   */
  readonly leave: readonly string[];
  /**
   * Prints what an HTTPS server answers. Three words follow: the URL, the file of a bearer token, and the file of the
   * certificates of the authority.
   */
  readonly httpsGet: readonly string[];
}

/** Commands as in `Membership`; the peer is an instance of the workload `of`. */
export interface Pool {
  readonly of: WorkloadName;
  /** Sends the peer no new clients and those it has away; ends when none is left. */
  readonly drain: readonly string[];
  /** Lets the peer have clients again; ends when it passes the checks. */
  readonly admit: readonly string[];
}

export interface KernelParameter {
  /** As sysctl spells it: `vm.overcommit_memory`. */
  readonly name: string;
  readonly value: string;
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
  /** The name of the only instance that has it; all of them have it when absent. */
  readonly onlyFor?: string;
  /** What brings a changed file into force; `nothing` where the program needs it at its next start only, or reads it each time. */
  readonly onChange: "reload" | "restart" | "nothing";
  /** The program's own checker for this file in place, run before the file is used: `["haproxy", "-c", "-f", path]`. */
  readonly check?: readonly string[];
}

export interface Process {
  /** Replaces the image's entry point when given. */
  readonly command?: readonly string[];
  /** What the image itself has there, for whoever must start it from a process of its own; absent where `command` is given. */
  readonly entryPoint?: readonly string[];
  readonly args: readonly string[];
  /** No secrets: an environment is visible to whoever may inspect the process. May refer to the instance. */
  readonly environment: Readonly<Record<string, string>>;
  /** User (name or number) in the image; the image's own when absent. */
  readonly user?: string;
  /** Signal that makes the program finish its work and stop. */
  readonly stopSignal: "SIGTERM" | "SIGQUIT" | "SIGUSR1" | "SIGINT";
  /** How long that may take before it is killed. */
  readonly stopGraceSeconds: number;
  /** The same user, and its group, by the numbers that they have in the official image. */
  readonly userId: number;
  readonly groupId: number;
  /** Folders of the image that it writes to, besides its data and `/tmp`. */
  readonly writes?: readonly string[];
  /** Limit of open files, soft and hard. */
  readonly openFiles: number;
  readonly memoryMiB?: number;
  /** What it needs for all that the definition wants of it, where memory is set aside and `memoryMiB` says nothing. */
  readonly expectedMemoryMiB: number;
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
  /** Programs that do not belong to the cluster use it as well, as far as they are in its network. */
  readonly isShared?: boolean;
  /** URL scheme for the list of endpoints. Ports without one are not listed. */
  readonly scheme?: "mqtt" | "ws" | "http";
  /** Path of the URL: `/mqtt`. */
  readonly urlPath?: string;
}

/** A TCP port that accepts connections, or an HTTP page with a 2xx status on it. */
export interface Life {
  readonly port: number;
  readonly path?: string;
}

/** From every instance to every instance of a workload, which may be its own, or to a server outside of the cluster. */
export type Connection =
  | { readonly to: WorkloadName; readonly ports: readonly number[] }
  | { readonly toHost: string; readonly port: number };

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

/** Anything that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/**
 * Values and specifications below are Kubernetes' own JSON. Text that is a reference of formats/pod-parts.ts, and nothing
 * else, stands for what the target makes of the workload: its volumes, its limits, where it may run.
 */
export interface Chart {
  readonly repository: string;
  /** `emqx` */
  readonly name: string;
  readonly version: string;
  readonly values: JsonObject;
  /** The only domain of a Kubernetes cluster that it works in, if there is such a limit. */
  readonly onlyInDomain?: string;
}

export interface CustomResource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Name of its definition in the cluster: `emqxes.apps.emqx.io`. */
  readonly definition: string;
  readonly spec: JsonObject;
  /** The chart that installs the operator. */
  readonly operator: Pick<Chart, "repository" | "name" | "version">;
}

/** Something of a kind that somebody else has added to a Kubernetes cluster. */
export interface CustomObject extends Pick<CustomResource, "apiVersion" | "kind" | "definition" | "spec"> {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
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
