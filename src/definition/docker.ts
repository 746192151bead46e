import * as v from "valibot";
import { imagesSchema, PORT, registrySchema } from "./images";
import { flag, ipv4, name, options, pattern } from "./values";

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
   * The registry asks for a login: take the one that `docker login` stored on the machine where Terraform runs.
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

const SUBNET =
  'must be a subnet with a prefix from /8 to /27 (the largest cluster does not fit into less), written with its first address: "172.30.0.0/24"';

/** Terraform would read a subnet with host bits back without them, and make a new network each time. */
function isSubnet(text: string): boolean {
  const [address, prefix] = text.split("/");
  const hostBits = 32 - Number(prefix);
  return (
    v.safeParse(ipv4, address).success &&
    /^(?:[89]|1\d|2[0-7])$/.test(prefix ?? "") &&
    text.split("/").length === 2 &&
    address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0) % 2 ** hostBits === 0
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
  subnet: v.optional(
    v.pipe(
      v.string(SUBNET),
      v.check((text) => isSubnet(text), SUBNET),
    ),
  ),
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
