import type { Construct } from "constructs";
import { balancerWorkload, type SomeBalancer } from "./components/balancer";
import type { BrokerInterface } from "./components/broker-interface";
import { virtualAddressWorkloads } from "./components/keepalived/keepalived";
import { type Balancer, type ClientLimitsProps, clientLimitsSchema } from "./definition/balancer";
import { checkBalancerCapacity } from "./definition/balancer-capacity";
import type { BalancerDefinition, ClientLimits, SoundDefinition } from "./definition/cluster";
import { checkPart, USUAL_DEFAULTS, withReplicas } from "./definition/cluster";
import { crossChecks } from "./definition/cross-checks";
import {
  checkExistingBrokers,
  type ExistingBrokers,
  type ExistingBrokersProps,
  existingBrokersSchema,
} from "./definition/existing-brokers";
import { check, joinProblems, type Problem, problem, refuseProblems } from "./definition/problems";
import type { Target } from "./definition/target";
import { props as allowedProps } from "./definition/values";
import { Deployed } from "./deployed";
import { platformOf } from "./targets/choose-platform";
import type { Platform } from "./targets/platform";

/** A balancer for brokers that run already. */
export interface MqttBalancerProps {
  /** The brokers. */
  readonly brokers: ExistingBrokersProps;
  /** @default Balancer.haproxy() */
  readonly balancer?: Balancer;
  /** @default - 10000 connections, keepalives up to 5 minutes */
  readonly clients?: ClientLimitsProps;
  /** `Target.docker()`, `Target.dockerSwarm()`, `Target.vms()` or `Target.kubernetes()`. */
  readonly target: Target;
  /**
   * Prefix of everything that is made; lower-case letters, digits and `-`, at most 30 characters.
   * @default - `<stack>-<construct id>`
   */
  readonly name?: string;
}

/**
 * Only the balancer, in front of somebody else's brokers.
 *
 * @throws InvalidDefinitionError listing every problem, before any resource is made.
 */
export class MqttBalancer extends Deployed {
  public constructor(scope: Construct, id: string, props: MqttBalancerProps) {
    super(scope, id);
    const { name, problems } = this._checkName(props?.name);
    const platform = platformOf(props?.target);
    const brokers = check(existingBrokersSchema, props?.brokers, "brokers");
    const clients = check(clientLimitsSchema, props?.clients === undefined ? {} : props.clients, "clients");
    const balancer = checkPart("balancer", props?.balancer);
    const { balancers } = platform?.defaults ?? USUAL_DEFAULTS;
    const definition = withReplicas(balancer.output as BalancerDefinition | undefined, balancers, balancer.problems);
    const parts = {
      name,
      balancer: withReplicas(balancer.sound as BalancerDefinition | undefined, balancers, balancer.problems),
      clients: clients.sound,
    } as SoundDefinition;
    const { hosts } = brokers.sound ?? {};
    const { maxConnections } = clients.sound ?? {};
    refuseProblems(
      `the balancer "${name}"`,
      joinProblems(
        problems,
        check(allowedProps("brokers", "balancer", "clients", "target", "name"), props ?? {}, "").problems,
        brokers.problems,
        clients.problems,
        balancer.problems,
        noBalancer(parts),
        crossChecks(parts),
        brokers.sound ? checkExistingBrokers(brokers.sound, props.brokers) : [],
        hosts && maxConnections ? checkBalancerCapacity(maxConnections, hosts.length, "name more brokers") : [],
        this._checkPlace(props?.target, platform, parts),
      ),
    );
    this._deploy({
      what: "MQTT balancer",
      name,
      platform: platform as Platform,
      demands: [{ workload: "balancer", count: (definition as { replicas: number }).replicas }],
      render: (placement) => [
        balancerWorkload(definition as SomeBalancer, {
          ...placement,
          clients: clients.output as ClientLimits,
          brokers: brokerInterface(brokers.output as ExistingBrokers),
          foreignBrokers: true,
          servers: (brokers.output as ExistingBrokers).hosts.map((host, index) => ({
            ordinal: index + 1,
            name: `broker-${index + 1}`,
            host,
          })),
          instances: placement.instances("balancer"),
          // The brokers may be anywhere: time for a slow path, and for a lost SYN that is sent again after a second.
          connectTimeoutMs: 3000,
          startsAfter: [],
        }),
        ...virtualAddressWorkloads(placement),
      ],
    });
  }
}

function noBalancer({ balancer }: SoundDefinition): Problem[] {
  return balancer?.kind === "none"
    ? [problem("balancer", "none", "must be Balancer.haproxy() or Balancer.nginx()")]
    : [];
}

function brokerInterface(brokers: ExistingBrokers): BrokerInterface {
  return {
    tcpPort: brokers.tcpPort,
    ws: brokers.wsPort === 0 ? undefined : { port: brokers.wsPort, path: brokers.wsPath },
    dashboardPort: brokers.dashboardPort || undefined,
    proxyProtocol: brokers.proxyProtocol,
    check:
      brokers.healthCheckPort === 0
        ? { kind: "mqtt-connect", port: brokers.tcpPort }
        : { kind: "http", port: brokers.healthCheckPort, path: brokers.healthCheckPath },
  };
}
