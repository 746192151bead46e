import { forInstance } from "../../formats/references";
import type { Instance, Package, Process, Workload } from "../../workload";

/** Where the unit's program may write besides /tmp, which is its own. */
export interface UnitFolders {
  readonly data: string;
  /** Below /run. */
  readonly runtime: string;
}

/**
 * The unit of an instance. A unit of our own and not a drop-in for the package's: that differs between distributions and
 * releases, and an unattended upgrade of the package would restart it on all hosts at the same time.
 */
export function unitFile(cluster: string, workload: Workload, instance: Instance, folders: UnitFolders): string {
  const { process, program } = workload;
  const { user, command, fixedPaths = {} } = workload.package as Package;
  const words = [...(command ?? process.command ?? []), ...process.args].map((word) => forInstance(word, instance));
  return `${[
    "[Unit]",
    `Description=${program}, ${instance.name} of MQTT cluster ${cluster}`,
    "Wants=network-online.target",
    "After=network-online.target",
    // However often it fails, it is tried again: its peers may be what is missing.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `User=${user}`,
    `SyslogIdentifier=${cluster}-${instance.name}`,
    ...Object.entries(process.environment)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `Environment=${quoted(`${name}=${forInstance(value, instance)}`)}`),
    `ExecStart=${words.map((word) => quoted(word).replaceAll("$", "$$$$")).join(" ")}`,
    ...(workload.reloadSignal ? [`ExecReload=/bin/kill -s ${workload.reloadSignal} $MAINPID`] : []),
    "Restart=always",
    "RestartSec=5",
    `KillSignal=${process.stopSignal}`,
    "KillMode=mixed",
    `TimeoutStopSec=${process.stopGraceSeconds}`,
    `RuntimeDirectory=${folders.runtime.replace(/^\/run\//, "")}`,
    "RuntimeDirectoryMode=0750",
    ...Object.entries(fixedPaths).map(([fixed, path]) => `BindReadOnlyPaths=${path}:${fixed}`),
    ...limits(process),
    ...confinement(workload, folders),
    "PrivateTmp=yes",
    "ProtectHome=yes",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n")}\n`;
}

function limits({ openFiles, memoryMiB, cpus }: Process): string[] {
  return [
    `LimitNOFILE=${openFiles}`,
    // Swap would only turn a broker that is out of memory into one that is out of time.
    ...(memoryMiB ? [`MemoryMax=${memoryMiB}M`, "MemorySwapMax=0"] : []),
    ...(cpus ? [`CPUQuota=${Math.round(cpus * 100)}%`] : []),
  ];
}

function confinement({ ports, package: software }: Workload, { data }: UnitFolders): string[] {
  const needed = software?.capabilities ?? [];
  const lowPorts = ports.some(({ number }) => number < 1024) ? ["CAP_NET_BIND_SERVICE"] : [];
  return [
    `CapabilityBoundingSet=${[...needed, ...lowPorts].join(" ")}`,
    ...lowPorts.map((capability) => `AmbientCapabilities=${capability}`),
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    `ReadWritePaths=${data}`,
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictSUIDSGID=yes",
  ];
}

/** The unit without what counts for a running program as well, as `fingerprint` in control/program.sh sees it. */
export function partsReadAtStart(unit: string): string {
  return unit.replace(/^(?:LimitNOFILE|MemoryMax|MemorySwapMax|CPUQuota)=.*\n/gm, "");
}

/** A word as systemd reads it. https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines */
function quoted(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("%", "%%");
  return `"${escaped}"`;
}
