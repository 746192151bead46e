import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { VmPackageProps } from "../../definition/vms";
import { forInstance, PEER_HOST, PEER_NAME } from "../../formats/references";
import { quotedShellWord, shellWord } from "../../formats/shell";
import type { Instance, Package, Workload } from "../../workload";
import { unitFile } from "./unit";

/** An instance and all that its host must know of it. */
export interface HostedInstance {
  readonly cluster: string;
  readonly workload: Workload;
  readonly instance: Instance;
  /** Where people reach its host. */
  readonly address: string;
  readonly folders: { readonly configuration: string; readonly data: string; readonly runtime: string };
  /** Instead of the repositories. */
  readonly download?: VmPackageProps;
  /** `host:port` that must answer before this instance starts by itself at the first boot. */
  readonly bootsAfter?: string;
}

/** A host's health check may need as long as this when it asks for no more. */
const PROBE_SECONDS = 5;

const PARTS = ["host.sh", "../../fill-secrets.sh", "program.sh"];

let common: string | undefined;

export function unitName({ cluster, instance }: HostedInstance): string {
  return `${cluster}-${instance.name}.service`;
}

/** Everything that is done on a host, as one script without secrets: Terraform, cloud-init and operators call it. */
export function controlScript(hosted: HostedInstance): string {
  return `${instancePart(hosted)}${commonPart()}`;
}

/** The same for every instance. */
export function commonPart(): string {
  common ??= PARTS.map((name) => readFileSync(join(__dirname, "control", name), "utf8")).join("");
  return common;
}

/** What the common part must know of this one. */
export function instancePart(hosted: HostedInstance): string {
  return `${[
    "#!/bin/sh",
    `# ${hosted.instance.name} of MQTT cluster ${hosted.cluster}. Written by cdktf-mqtt-cluster: changes are lost at the next deployment.`,
    "# Without arguments it says what it can do.",
    "set -eu",
    "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8",
    "",
    ...assignments(hosted),
    "",
    ...functions(hosted),
    "",
  ].join("\n")}\n`;
}

function assignments(hosted: HostedInstance): string[] {
  const { cluster, workload, instance, address, folders, download } = hosted;
  const { health } = workload;
  const software = workload.package as Package;
  const relative = (path: string) => path.slice(folders.configuration.length + 1);
  const files = (effect: "reload" | "restart") =>
    workload.files
      .filter(({ onChange }) => onChange !== "nothing" && changeEffect(workload, onChange) === effect)
      .map(({ path }) => relative(path))
      .join(" ");
  return Object.entries({
    where: `${instance.name} (${address})`,
    cluster,
    instance: instance.name,
    workload: workload.name,
    program: workload.program,
    host: instance.host,
    unit: unitName(hosted),
    configuration: folders.configuration,
    data: folders.data,
    package: software.name,
    package_version: software.version ?? "",
    package_at_least: software.atLeast,
    package_url: download?.url ?? "",
    package_sha256: download?.sha256 ?? "",
    package_units: software.units.join(" "),
    // For health, downloads, kernel parameters.
    also_needs: ["curl", "ca-certificates", "procps", ...(software.alsoNeeds ?? [])].join(" "),
    run_user: software.user,
    ports: workload.ports.map(({ number }) => number).join(" "),
    fixed_paths: Object.entries(software.fixedPaths ?? {})
      .map((pair) => pair.join("="))
      .join(" "),
    kernel_parameters: (workload.kernelParameters ?? []).map(({ name, value }) => `${name}=${value}`).join("\n"),
    reload_files: files("reload"),
    restart_files: files("restart"),
    health: !health
      ? ""
      : health.probe.kind === "command"
        ? "command"
        : `http:${health.probe.port}${health.probe.path}`,
    timeout_seconds: String(health?.timeoutSeconds ?? PROBE_SECONDS),
    start_seconds: String(startSeconds(workload)),
    drains: workload.membership?.drain ? "yes" : "",
    boots_after: hosted.bootsAfter ?? "",
  }).map(([name, value]) => `${name}=${quotedShellWord(value)}`);
}

/** A program without a signal for it reads no file again. */
export function changeEffect({ reloadSignal }: Workload, onChange: "reload" | "restart"): "reload" | "restart" {
  return onChange === "reload" && reloadSignal ? "reload" : "restart";
}

function startSeconds({ health }: Workload): number {
  return health ? health.startPeriodSeconds + health.retries * (health.intervalSeconds + health.timeoutSeconds) : 30;
}

function functions(hosted: HostedInstance): string[] {
  const { cluster, workload, instance, folders } = hosted;
  const { health, membership, pool } = workload;
  const command = (words: readonly string[] | undefined) =>
    words?.map((word) => wordAboutPeer(forInstance(word, instance))).join(" ");
  const commands = Object.entries({
    health: health?.probe.kind === "command" ? command(health.probe.command) : undefined,
    sees: command(membership?.sees),
    drain: command(membership?.drain),
    release: command(membership?.release),
    forget: command(membership?.forget),
    "reload-check": command(workload.reloadCheck),
    "pool-drain": command(pool?.drain),
    "pool-admit": command(pool?.admit),
  });
  const checks = workload.files.flatMap(({ check }) => (check ? [command(check)] : []));
  const environment = Object.entries(workload.process.environment).map(
    ([name, value]) => `${name}=${shellWord(forInstance(value, instance))}`,
  );
  return [
    `in_environment() { env -i PATH="$PATH" ${[...environment, '"$@"'].join(" ")}; }`,
    "as_instance() {",
    "  case $1 in",
    ...commands.map(([name, text]) => `    ${name}) ${text ? `exec ${text}` : ":"} ;;`),
    "  esac",
    "}",
    "check_here() {",
    ...checks.map((text) => `  in_instance 60 ${text} || exit`),
    "  :",
    "}",
    "write_unit() {",
    "  cat <<'END-OF-UNIT'",
    `${unitFile(cluster, workload, instance, folders)}END-OF-UNIT`,
    "}",
  ];
}

/** Who the peer is, the script learns when it is called. */
function wordAboutPeer(word: string): string {
  return word
    .split(new RegExp(`(${PEER_HOST}|${PEER_NAME})`))
    .filter((part) => part !== "")
    .map((part) =>
      part === PEER_HOST ? '"${peer_host:-}"' : part === PEER_NAME ? '"${peer_name:-}"' : shellWord(part),
    )
    .join("");
}
