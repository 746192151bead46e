import * as v from "valibot";
import { hostsNamed, MOST_BROKERS } from "./host-maps";
import { hostName, integer, mapOf, oneOf, options, pattern, port } from "./values";

/** How Terraform reaches a server by SSH. */
export interface VmSshProps {
  /**
   * Who logs in: root, or somebody who may run anything through `sudo` without a password.
   * @default "root"
   */
  readonly user?: string;
  /** @default 22 */
  readonly port?: number;
  /**
   * Path of the private key on the machine where Terraform runs: `~/.ssh/deploy`. The key itself is never in the plan, nor
   * in the state.
   * @default - the keys of the running ssh-agent
   */
  readonly privateKeyFile?: string;
  /**
   * A host in between, for servers that cannot be reached directly.
   * @default - none
   */
  readonly bastion?: VmBastionProps;
}

/** A host through which others are reached. */
export interface VmBastionProps {
  /** Host name or IPv4 address. */
  readonly address: string;
  /** Its public host key, or `unchecked`; as `VmHostProps.hostKey`. */
  readonly hostKey: string;
  /** @default - as for the servers behind it */
  readonly user?: string;
  /** @default 22 */
  readonly port?: number;
  /** @default - as for the servers behind it */
  readonly privateKeyFile?: string;
}

/** A server with systemd and sshd: Debian 12 or 13, Ubuntu 22.04 or 24.04. */
export interface VmHostProps extends VmSshProps {
  /** Host name or IPv4 address where Terraform and operators reach it, and clients, if it is a balancer. */
  readonly address: string;
  /**
   * Where the other servers reach it, if they have a network of their own. An instance is known by this address: a changed
   * one is another instance, so never change those of several brokers in one apply.
   * @default - `address`
   */
  readonly privateAddress?: string;
  /**
   * Its public host key, `ecdsa-sha2-nistp256 AAAA…` as `ssh-keyscan` prints it after the name; several, one a line. Terraform
   * asks a host for its ECDSA key, and for RSA and ED25519 only where there is none: name that one, or all. `unchecked`
   * believes whoever answers, and hands that host the secrets of the cluster.
   */
  readonly hostKey: string;
}

/** An address that clients use, always on one of two balancers. keepalived moves it (VRRP, protocol 112). */
export interface VmVirtualAddressProps {
  /** A free IPv4 address of the balancers' network, with its prefix: `10.0.0.100/24`. */
  readonly address: string;
  /** Network interface of the balancers' hosts: `eth0`. */
  readonly interface: string;
  /**
   * Tells the pair from other VRRP routers of the network, 1 to 255.
   * @default 51
   */
  readonly routerId?: number;
}

/** A Debian package that hosts fetch by themselves. */
export interface VmPackageProps {
  /** Where: `https://…/emqx-5.8.9-debian12-amd64.deb`, or `file:///…` where each host has it. */
  readonly url: string;
  /** SHA-256 of the file, 64 hexadecimal digits. A host refuses any other file. */
  readonly sha256: string;
}

/** Who sets up a host; see `VmsTargetProps.provisionedBy`. */
export type VmProvisioning = "ssh" | "userData";

/**
 * What `Target.vms()` accepts. Hosts may have several roles: name the same one again. `MqttBalancer` and `RedisSessionStore`
 * use the hosts of their role and leave the others alone, so that one target may serve several constructs.
 */
export interface VmsTargetProps {
  /**
   * Hosts of the brokers by name of the instance, `broker-1` to `broker-9`: as many as `broker.nodes`. A broker keeps its name
   * for as long as it exists, so removing one leaves a gap that a later one may fill.
   * @default - none
   */
  readonly brokers?: { readonly [name: string]: VmHostProps };
  /**
   * Hosts of the balancers, `balancer-1` and `balancer-2`: as many as `balancer.replicas`.
   * @default - none
   */
  readonly balancers?: { readonly [name: string]: VmHostProps };
  /**
   * Host of Redis, and of what writes to it and watches it.
   * @default - none
   */
  readonly sessionStore?: VmHostProps;
  /**
   * Host of Prometheus and Alertmanager.
   * @default - none
   */
  readonly monitoring?: VmHostProps;
  /**
   * How to log in where a host says nothing else.
   * @default - as root, with the keys of the ssh-agent
   */
  readonly ssh?: VmSshProps;
  /**
   * One address for two balancers. Many clouds do not let an address move like this: use their own balancer or DNS there.
   * @default - none; clients know the addresses of both
   */
  readonly virtualAddress?: VmVirtualAddressProps;
  /**
   * How the hosts are set up: by Terraform over SSH, or by themselves at their first boot with `cluster.userData()`. With
   * `userData` this construct makes no resources but variables, for stacks that make the hosts.
   * @default "ssh"
   */
  readonly provisionedBy?: VmProvisioning;
  /**
   * Packages that come by URL, by program (`emqx`, `rabbitmq`, `haproxy` …), instead of from the repositories of the host.
   * @default - none
   */
  readonly packages?: { readonly [program: string]: VmPackageProps };
}

export const VM_PROGRAMS = [
  "emqx",
  "rabbitmq",
  "haproxy",
  "nginx",
  "nginx-exporter",
  "keepalived",
  "redis",
  "redis-exporter",
  "webdis",
  "prometheus",
  "alertmanager",
] as const;

const KEY = "(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,}={0,2}";

const hostKey = pattern(
  new RegExp(`^(?:unchecked|${KEY}(?:\\n${KEY})*\\n?)$`),
  'the public host key, "ecdsa-sha2-nistp256 AAAA…" as ssh-keyscan prints it after the name (several: one a line), or "unchecked" to believe whoever answers',
);

/** Custom, so that a key that somebody puts here instead of its path is not shown. */
const path = v.custom<string>(
  (value) => typeof value === "string" && /^[^\s"'$%{}\\]+$/.test(value),
  'must be a path without spaces or quotes, never the key itself: "~/.ssh/deploy"',
);
const user = pattern(/^[a-z_][a-z0-9_-]{0,31}$/, 'the name of a user: "deploy"');

const login = {
  user: v.optional(user),
  port: v.optional(port),
  privateKeyFile: v.optional(path),
};
const bastion = options({ ...login, address: hostName, hostKey });
const ssh = { ...login, bastion: v.optional(bastion) };
const host = options({ ...ssh, address: hostName, privateAddress: v.optional(hostName), hostKey });

const EXAMPLE = "{ address: …, hostKey: … }";

export const vmsSchema = options({
  brokers: hostsNamed(host, /^broker-[1-9]$/, `broker-1 to broker-${MOST_BROKERS}`, EXAMPLE),
  balancers: hostsNamed(host, /^balancer-[12]$/, "balancer-1 and balancer-2", EXAMPLE),
  sessionStore: v.optional(host),
  monitoring: v.optional(host),
  ssh: v.optional(options(ssh), {}),
  virtualAddress: v.optional(
    options({
      address: pattern(
        /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\/)|(?=\/))){4}\/(?:[89]|[12]\d|3[0-2])$/,
        'an IPv4 address with the prefix of its network: "10.0.0.100/24"',
      ),
      interface: pattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, 'a network interface: "eth0"'),
      routerId: v.optional(integer(1, 255), 51),
    }),
  ),
  provisionedBy: v.optional(oneOf(["ssh", "userData"]), "ssh"),
  packages: v.optional(
    mapOf(
      oneOf(VM_PROGRAMS),
      options({
        url: pattern(
          /^(?:https:\/\/[A-Za-z0-9.-]+(?::\d+)?|file:\/\/)\/[A-Za-z0-9._~+%/-]+\.deb$/,
          "the https:// (or file://) address of a .deb file; not http://, whatever the hash: it would tell everybody what runs here",
        ),
        sha256: pattern(/^[0-9a-f]{64}$/, "the SHA-256 of the file: 64 hexadecimal digits, lower case"),
      }),
      'must be an object of packages by program: { emqx: { url: "https://…/emqx.deb", sha256: "…" } }',
    ),
    {},
  ),
});

export type VmsOptions = v.InferOutput<typeof vmsSchema>;
export type VmHost = NonNullable<VmsOptions["monitoring"]>;
