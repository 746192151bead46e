import type { SSHProvisionerConnection } from "cdktf";
import type { VmHost, VmsOptions } from "../../definition/vms";
import { escapeTemplate } from "../../formats/terraform";
import { hostKeyOption, UNCHECKED } from "./known-hosts";

/** A host with every default filled in: all that Terraform must know to log in. Plain text and no secret. */
export interface HostLogin {
  readonly address: string;
  readonly user: string;
  readonly port: number;
  readonly hostKey: string | null;
  readonly keyFile: string | null;
  readonly bastion: Omit<HostLogin, "bastion"> | null;
}

export function loginOf(host: VmHost, { ssh }: VmsOptions): HostLogin {
  const user = host.user ?? ssh.user ?? "root";
  const port = host.port ?? ssh.port ?? 22;
  const keyFile = host.privateKeyFile ?? ssh.privateKeyFile ?? null;
  const bastion = host.bastion ?? ssh.bastion;
  const known = (one: { address: string; hostKey: string }, onPort: number) => ({
    address: one.address,
    port: onPort,
    keys: one.hostKey,
  });
  const bastionPort = bastion?.port ?? 22;
  return {
    address: host.address,
    user,
    port,
    hostKey:
      host.hostKey === UNCHECKED ? null : hostKeyOption(known(host, port), bastion && known(bastion, bastionPort)),
    keyFile,
    bastion: bastion
      ? {
          address: bastion.address,
          user: bastion.user ?? user,
          port: bastionPort,
          hostKey: bastion.hostKey === UNCHECKED ? null : hostKeyOption(known(bastion, bastionPort)),
          keyFile: bastion.privateKeyFile ?? keyFile,
        }
      : null,
  };
}

/** How long a host that does not answer, or answers with another host key, is tried. */
const CONNECT_TIMEOUT = "30s";

export function connectionTo({ address, user, port, hostKey, keyFile, bastion }: HostLogin): SSHProvisionerConnection {
  return {
    type: "ssh",
    host: address,
    user,
    port,
    timeout: CONNECT_TIMEOUT,
    hostKey: hostKey ?? undefined,
    ...keyOrAgent(keyFile, "privateKey"),
    ...(bastion && {
      bastionHost: bastion.address,
      bastionUser: bastion.user,
      bastionPort: bastion.port,
      bastionHostKey: bastion.hostKey ?? undefined,
      ...keyOrAgent(bastion.keyFile, "bastionPrivateKey"),
    }),
  };
}

/** The key is read when it is needed: only its path stands in plan and state. */
function keyOrAgent(
  keyFile: string | null,
  option: "privateKey" | "bastionPrivateKey",
): Partial<SSHProvisionerConnection> {
  return keyFile === null ? { agent: "true" } : { [option]: `\${file(pathexpand("${escapeTemplate(keyFile)}"))}` };
}

/**
 * The same out of a resource's own input: a destroy step may look at nothing else, and runs when the definition may not
 * know the host any more.
 */
export function connectionToSelf(): SSHProvisionerConnection {
  const login = "self.input.login";
  const key = (of: string) => `\${${of}.keyFile == null ? null : file(pathexpand(${of}.keyFile))}`;
  const bastion = (value: string) => `\${${login}.bastion == null ? null : ${login}.bastion.${value}}`;
  return {
    type: "ssh",
    host: `\${${login}.address}`,
    user: `\${${login}.user}`,
    port: `\${${login}.port}` as never,
    timeout: CONNECT_TIMEOUT,
    hostKey: `\${${login}.hostKey}`,
    privateKey: key(login),
    agent: `\${${login}.keyFile == null}`,
    bastionHost: bastion("address"),
    bastionUser: bastion("user"),
    bastionPort: bastion("port") as never,
    bastionHostKey: bastion("hostKey"),
    bastionPrivateKey: `\${${login}.bastion == null ? null : (${login}.bastion.keyFile == null ? null : file(pathexpand(${login}.bastion.keyFile)))}`,
  };
}
