import { type TerraformResource, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { alertRulesYaml } from "./components/prometheus/rules";
import type { CheckedName, SoundDefinition } from "./definition/cluster";
import { check, type Problem, problem, refuseProblems } from "./definition/problems";
import type { Target } from "./definition/target";
import { name as nameSchema } from "./definition/values";
import type { Demand, Placement } from "./placement/placement";
import { Summary } from "./summary";
import { checkTarget } from "./targets/choose-platform";
import { networkProblems } from "./targets/own-network";
import type { Deployment, Endpoint, Platform } from "./targets/platform";
import { takenSecretNames } from "./targets/stack-secrets";
import type { CustomObject, Workload } from "./workload";

/** What other stacks and programs connect to; what a deployment does not offer is undefined. */
export interface ClusterEndpoints {
  /** MQTT over TCP: `mqtt://localhost:1883`. */
  readonly mqtt?: string;
  /** MQTT over WebSocket: `ws://localhost:8083/mqtt`. */
  readonly ws?: string;
  /** The broker's dashboard, for operators. */
  readonly dashboard?: string;
  /** Prometheus, for operators. */
  readonly prometheus?: string;
  /** Alertmanager, for operators. */
  readonly alertmanager?: string;
}

/** What `Deployed` needs to know; rendering stays with the construct. */
interface Plan {
  /** What is made, for people: `MQTT cluster`. */
  readonly what: string;
  readonly name: string;
  readonly platform: Platform;
  readonly demands: readonly Demand[];
  readonly runbookBaseUrl?: string;
  render(placement: Placement): readonly Workload[];
  /** What a program that runs already is told of the workloads. */
  objects?(placement: Placement, workloads: readonly Workload[]): readonly CustomObject[];
}

interface Made {
  readonly plan: Plan;
  readonly workloads: readonly Workload[];
  readonly deployment: Deployment;
}

/** Workloads on a target: what `MqttCluster` and the constructs for single parts have in common. */
export abstract class Deployed extends Construct {
  /** Set when everything was checked and made; absent in a construct whose definition was refused. */
  private made?: Made;

  /** What other stacks and programs connect to. */
  public get endpoints(): ClusterEndpoints {
    return endpointsByName(this.result.deployment.endpoints);
  }

  /** Every resource that was made, for overrides and for `dependsOn` of other resources. */
  public get resources(): TerraformResource[] {
    return [...this.result.deployment.resources];
  }

  /** What was made, for people: nodes, endpoints, who may reach what, files, secrets, and what to know. */
  public get summary(): string {
    return new Summary(TerraformStack.of(this).node.id, this.result).toString();
  }

  /**
   * The alert rules as a rules file, for a Prometheus of one's own. Its head says which labels the scraped series need.
   */
  public get alertRules(): string {
    const { plan, workloads } = this.result;
    return alertRulesYaml(plan.name, workloads, plan.runbookBaseUrl);
  }

  /**
   * The script that sets up a server at its first boot, with everything that `Target.vms()` has it run: user data for
   * cloud-init, or whatever runs a script as root. It is larger than many clouds allow, so compress it:
   * `user_data_base64: Fn.base64gzip(cluster.userData("broker-1"))`. **It holds the secrets**, and clouds show user data to
   * whoever may look at the instance.
   *
   * @param instance Any of the host's instances: `broker-1`, `prometheus`.
   * @returns a reference to a local value of the stack.
   * @throws InvalidDefinitionError if there is no such instance, or the target is not `Target.vms()`.
   */
  public userData(instance: string): string {
    const { plan, deployment } = this.result;
    const scripts = deployment.userData ?? {};
    const script = Object.hasOwn(scripts, instance) ? scripts[instance] : undefined;
    if (!script) {
      const names = Object.keys(scripts);
      const message = names.length > 0 ? `must be one of ${names.join(", ")}` : "exists for Target.vms() only";
      refuseProblems(`the user data of "${plan.name}"`, [problem("instance", instance, message)]);
    }
    return (script as () => string)();
  }

  private get result(): Made {
    return this.made as Made;
  }

  /** @internal The name given, or the default. */
  protected _checkName(given: unknown): CheckedName {
    const stack = stackOf(this);
    if (!stack) {
      const message = "must be a TerraformStack or a construct inside one";
      return { name: this.node.path, problems: [problem("scope", this.node.scope ?? undefined, message)] };
    }
    const name = given === undefined ? defaultName(this, stack) : (given as string);
    const problems = check(nameSchema, name, "name").problems.map(({ path, value, message }) => ({
      path,
      value,
      message: given === undefined ? `${message}. It is made of the ids of stack and construct: give a name` : message,
    }));
    if (problems.length > 0) {
      return { name: this.node.path, problems };
    }
    const twin = this.neighbours().find((other) => other.result.plan.name === name);
    return {
      name,
      problems: twin
        ? [problem("name", name, `is the name of ${twin.node.path}: everything is named after it; give another name`)]
        : [],
    };
  }

  /** @internal What target and stack cannot honour, or that there is no target. */
  protected _checkPlace(target: Target, platform: Platform | undefined, definition: SoundDefinition): Problem[] {
    const stack = stackOf(this);
    return [...checkTarget(target, platform, definition), ...(stack ? takenSecretNames(stack, definition) : [])];
  }

  private neighbours(): Deployed[] {
    const others = stackOf(this)?.node.findAll() ?? [];
    return others.filter((other): other is Deployed => other instanceof Deployed && other.made !== undefined);
  }

  /** @internal */
  protected _deploy(plan: Plan): void {
    const { name, platform } = plan;
    const placement = platform.place(name, plan.demands);
    const workloads = plan.render(placement);
    const neighbours = this.neighbours()
      .map(({ result }) => result)
      .filter((result) => result.plan.platform.title === platform.title);
    const endpoints = neighbours.flatMap(({ plan: { name: deployment }, deployment: { endpoints } }) =>
      endpoints.map((endpoint) => ({ ...endpoint, deployment })),
    );
    refuseProblems(`the definition of "${name}"`, [
      ...platform.checkWorkloads(workloads, endpoints),
      ...neighbours.flatMap(({ plan: other }) => {
        const [own, theirs] = [platform.networkOf?.(name), other.platform.networkOf?.(other.name)];
        return own && theirs ? networkProblems(own, theirs, other.name) : [];
      }),
    ]);
    this.made = {
      plan,
      workloads,
      deployment: platform.deploy(this, placement, workloads, plan.objects?.(placement, workloads) ?? []),
    };
  }
}

function stackOf(construct: Construct): TerraformStack | undefined {
  return construct.node.scopes.find((scope): scope is TerraformStack => TerraformStack.isStack(scope));
}

/** The first of each name: without a balancer, the first broker. */
function endpointsByName(endpoints: readonly Endpoint[]): ClusterEndpoints {
  return Object.fromEntries([...endpoints].reverse().map(({ name, url }) => [name, url]));
}

/** `dev-mqtt` for the construct `mqtt` in the stack `dev`: unique where several environments share a host. */
function defaultName(scope: Construct, stack: TerraformStack): string {
  const path = scope.node.path.split("/").slice(1);
  return [stack.node.id, ...path]
    .join("-")
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-");
}
