import * as v from "valibot";
import { imagesSchema, PORT, registrySchema } from "./images";
import { flag, ipv4, ipv4Number, name, options, pattern } from "./values";

/** What `Target.docker()` accepts. */
export interface DockerTargetProps {
  /**
   * The Docker engine: `unix:///…` or `ssh://user@host`. Not `tcp://`: every secret would cross the network in the clear.
   * @default "unix:///var/run/docker.sock"
   */
  readonly host?: string;
  /**
   * Options for ssh, when `host` is an `ssh://` address: `["-i", "/home/me/.ssh/deploy"]`.
   * @default - none
   */
  readonly sshOptions?: string[];
  /**
   * Name of the Docker network that is made for the cluster.
   * @default - the name of the cluster
   */
  readonly network?: string;
  /**
   * Subnet of that network, in CIDR form. Give one when Docker's own choice collides with something.
   * @default - Docker chooses
   */
  readonly subnet?: string;
  /**
   * Registry (and folder) that all images are pulled from instead of Docker Hub: `registry.example.com/mirror`.
   * @default - Docker Hub
   */
  readonly registry?: string;
  /**
   * `registry` asks for a login: take the one that `docker login` stored on the machine where Terraform runs.
   * @default false
   */
  readonly registryLogin?: boolean;
  /**
   * Other images, by program (`emqx`, `rabbitmq`, `haproxy`, `nginx`, `nginx-exporter`, `redis`, `redis-exporter`,
   * `webdis`, `prometheus`, `alertmanager`), to pin a digest or take your own build:
   * `{ haproxy: "haproxy:3.2.22-alpine@sha256:…" }`. They are taken as written, without `registry`. One list may serve
   * several definitions: programs that a definition does not use are left alone.
   * @default - the official image of the program's version
   */
  readonly images?: { readonly [program: string]: string };
  /**
   * Address on the host where clients connect (MQTT over TCP and WebSocket).
   * @default "0.0.0.0"
   */
  readonly clientAddress?: string;
  /**
   * Address on the host where operators reach dashboards, Prometheus and Alertmanager.
   * @default "127.0.0.1"
   */
  readonly operatorAddress?: string;
}

const HOST = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
const SSH = `ssh://(?:[A-Za-z0-9._-]+@)?${HOST}(?::${PORT})?`;

/** @param longest Prefix of the smallest one that the largest cluster fits into. */
export function subnetUpTo(longest: number) {
  const message =
    `must be a subnet of addresses for hosts, with a prefix from /8 to /${longest} (the largest cluster does not fit into less), ` +
    'written with its first address: "172.30.0.0/24"';
  return v.optional(
    v.pipe(
      v.string(message),
      v.check((text) => isSubnet(text, longest), message),
    ),
  );
}

/** Terraform would read a subnet with host bits back without them, and make a new network each time. */
function isSubnet(text: string, longest: number): boolean {
  const [address, prefix] = text.split("/");
  const bits = /^\d{1,2}$/.test(prefix ?? "") ? Number(prefix) : 0;
  return (
    v.safeParse(ipv4, address).success &&
    bits >= 8 &&
    bits <= longest &&
    text.split("/").length === 2 &&
    // "This network", loopback, multicast and reserved addresses (RFC 6890).
    !/^(?:0|127|22[4-9]|2[3-5]\d)\./.test(address) &&
    ipv4Number(address) % 2 ** (32 - bits) === 0
  );
}

/** An engine, by one of these schemes and paths. */
export const engineHost = (local: string) =>
  v.optional(
    pattern(
      new RegExp(`^(?:${local}|${SSH})$`),
      'a Docker engine: "unix:///var/run/docker.sock" or "ssh://deploy@host"',
    ),
    "unix:///var/run/docker.sock",
  );

/** What is said of an engine and its network in the same way for containers and for services. */
export const engineEntries = {
  sshOptions: v.optional(v.array(v.string("must be text"), 'must be a list of texts: ["-i", "/path/to/key"]')),
  network: v.optional(name),
  subnet: subnetUpTo(27),
  registry: v.optional(registrySchema),
  registryLogin: v.optional(flag, false),
  images: v.optional(imagesSchema, {}),
};

export const UNIX_SOCKET = `unix:///[^\\s"'<>$%{}]+`;

export const dockerSchema = options({
  host: engineHost(`${UNIX_SOCKET}|npipe:////[^\\s"'<>$%{}]+`),
  ...engineEntries,
  clientAddress: v.optional(ipv4, "0.0.0.0"),
  operatorAddress: v.optional(ipv4, "127.0.0.1"),
});

export type DockerOptions = v.InferOutput<typeof dockerSchema>;
