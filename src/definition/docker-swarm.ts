import * as v from "valibot";
import { engineEntries, engineHost, subnetUpTo, UNIX_SOCKET } from "./docker";
import { hostsNamed, MOST_BROKERS } from "./host-maps";
import { imagesOf, PROGRAMS } from "./images";
import { flag, hostName, integer, mapOf, oneOf, options, pattern } from "./values";

/** A host of the swarm, or several that will do. */
export interface SwarmHostProps {
  /**
   * Which host: a placement constraint as Docker writes it, with `node.hostname`, `node.id` or one label:
   * `node.hostname==dock1`, `node.labels.member==1`. What has data is on the one host that fulfils it; a balancer is on
   * any that does.
   */
  readonly constraint: string;
  /**
   * Host name or IPv4 address by which clients and operators reach it. It stands in `endpoints`.
   * @default - the host's name, where `constraint` says it
   */
  readonly address?: string;
}

/**
 * What `Target.dockerSwarm()` accepts. Hosts may have several roles: name the same one again. `MqttBalancer` and
 * `RedisSessionStore` use the hosts of their role and leave the others alone, so that one target may serve several constructs.
 */
export interface DockerSwarmTargetProps {
  /**
   * A manager of the swarm: `unix:///…` or `ssh://user@host`. Not `tcp://`: every secret would cross the network in the clear.
   * The machine that runs Terraform needs the `docker` command for `unix://`, and `ssh` for `ssh://`.
   * @default "unix:///var/run/docker.sock"
   */
  readonly host?: string;
  /**
   * Options for ssh, when `host` is an `ssh://` address: `["-i", "/home/me/.ssh/deploy"]`.
   * @default - none
   */
  readonly sshOptions?: string[];
  /**
   * How many managers the swarm has at least: 1, 3, 5 or 7. With one nothing is started or moved while it is away; three do
   * without any one of them. An even number is worse than one less.
   * @default 3
   */
  readonly managers?: number;
  /**
   * Hosts of the brokers by name of the instance, `broker-1` to `broker-9`: as many as `broker.nodes`. A broker keeps its name
   * for as long as it exists, so removing one leaves a gap that a later one may fill.
   * @default - none
   */
  readonly brokers?: { readonly [name: string]: SwarmHostProps };
  /**
   * Hosts of the balancers, `balancer-1` to `balancer-9`: as many as `balancer.replicas`.
   * @default - none
   */
  readonly balancers?: { readonly [name: string]: SwarmHostProps };
  /**
   * Host of Redis, and of what writes to it and watches it.
   * @default - none
   */
  readonly sessionStore?: SwarmHostProps;
  /**
   * Host of Prometheus and Alertmanager.
   * @default - none
   */
  readonly monitoring?: SwarmHostProps;
  /**
   * Whether the hosts show dashboards, Prometheus and Alertmanager. A swarm shows a port on every address of a host, past
   * most firewalls, and Prometheus and Alertmanager ask nobody for a password.
   * @default false
   */
  readonly publishOperatorPorts?: boolean;
  /**
   * Name of the overlay network that is made for the cluster. Another network, in any way, is an outage: all services are made anew.
   * @default - the name of the cluster
   */
  readonly network?: string;
  /**
   * Subnet of that network, in CIDR form, /8 to /26: every host of it takes an address besides those of its programs. Give one when
   * Docker's own choice collides with something.
   * @default - Docker chooses
   */
  readonly subnet?: string;
  /**
   * Encrypts what hosts send each other in that network (IPsec). It costs throughput, and kernels with ESP on every host.
   * @default false
   */
  readonly encryptNetwork?: boolean;
  /**
   * Registry (and folder) that all images are pulled from instead of Docker Hub: `registry.example.com/mirror`.
   * @default - Docker Hub
   */
  readonly registry?: string;
  /**
   * `registry` asks for a login: take the one that `docker login` stored on the machine where Terraform runs, and on the
   * manager, where `host` is an `ssh://` address.
   * @default false
   */
  readonly registryLogin?: boolean;
  /**
   * Other images, by program (`emqx`, `rabbitmq`, `haproxy`, `nginx`, `nginx-exporter`, `redis`, `redis-exporter`,
   * `webdis`, `prometheus`, `alertmanager`, and `docker-cli`, which looks after hosts), to pin a digest or take your own build:
   * `{ haproxy: "haproxy:3.2.22-alpine@sha256:…" }`. They are taken as written, without `registry`. One list may serve
   * several definitions: programs that a definition does not use are left alone.
   * @default - the official image of the program's version
   */
  readonly images?: { readonly [program: string]: string };
  /**
   * Numbers of users, by program, where an image of yours has others than the official one. The group has the same number.
   * @default - those of the official images
   */
  readonly userIds?: { readonly [program: string]: number };
  /**
   * Where every host has the socket of its engine. Docker's placeholder `{{.Node.Hostname}}` may stand in it.
   * @default "/var/run/docker.sock"
   */
  readonly engineSocket?: string;
}

/** Runs docker commands on the hosts, beside the programs of the cluster. */
export const DOCKER_CLI = "docker-cli";

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";

const host = options({
  constraint: pattern(
    new RegExp(`^node\\.(?:hostname|id|labels\\.${LABEL})==[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`),
    "node.hostname==, node.id== or node.labels.NAME== and a value of letters, digits and ._- without spaces: " +
      '"node.hostname==dock1", "node.labels.member==1"',
  ),
  address: v.optional(hostName),
});

const EXAMPLE = '{ constraint: "node.hostname==dock1" }';

export const dockerSwarmSchema = options({
  host: engineHost(UNIX_SOCKET),
  ...engineEntries,
  subnet: subnetUpTo(26),
  images: v.optional(imagesOf([...PROGRAMS, DOCKER_CLI]), {}),
  managers: v.optional(oneOf([1, 3, 5, 7], "an even number bears the loss of no more managers than one less does"), 3),
  brokers: hostsNamed(host, /^broker-[1-9]$/, `broker-1 to broker-${MOST_BROKERS}`, EXAMPLE),
  balancers: hostsNamed(host, /^balancer-[1-9]$/, "balancer-1 to balancer-9", EXAMPLE),
  sessionStore: v.optional(host),
  monitoring: v.optional(host),
  publishOperatorPorts: v.optional(flag, false),
  encryptNetwork: v.optional(flag, false),
  userIds: v.optional(
    mapOf(
      v.picklist(PROGRAMS, `is not a program of this package; known: ${PROGRAMS.join(", ")}`),
      integer(1, 2_147_483_647),
      "must be an object by program: { rabbitmq: 100 }",
    ),
    {},
  ),
  engineSocket: v.optional(
    pattern(
      /^\/(?:[A-Za-z0-9._/-]|\{\{\.Node\.Hostname\}\})+$/,
      'the absolute path of a socket: "/var/run/docker.sock"',
    ),
    "/var/run/docker.sock",
  ),
});

export type DockerSwarmOptions = v.InferOutput<typeof dockerSwarmSchema>;
export type SwarmHost = NonNullable<DockerSwarmOptions["monitoring"]>;
