import { join } from "node:path";
import { HelmProvider } from "@cdktf/provider-helm/lib/provider";
import { Release } from "@cdktf/provider-helm/lib/release";
import { AssetType, TerraformAsset, type TerraformResource, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { KubernetesOptions } from "../../definition/kubernetes-schema";
import { fillPodParts, type PodParts } from "../../formats/pod-parts";
import { escapeTemplate } from "../../formats/terraform";
import { toYaml } from "../../formats/yaml";
import type { Chart, CustomObject, CustomResource, Json, JsonObject, Workload } from "../../workload";
import { rolloutSeconds } from "./rollout";

/** Where EMQX's operator lives when it is installed along. */
const OPERATOR_NAMESPACE = "emqx-operator-system";
/** How long a release may take that starts no brokers. */
const USUAL_SECONDS = 300;

/**
 * Releases of Helm: of charts, and of objects of kinds that others have added to the cluster. Terraform's own resource for
 * these asks the cluster for the kind whenever it plans; a release does not, so that the kind may come with the same apply.
 */
export class Helm {
  private provider: HelmProvider | undefined;
  private chart: TerraformAsset | undefined;

  public constructor(
    private readonly scope: Construct,
    private readonly cluster: string,
    private readonly options: KubernetesOptions,
  ) {}

  public release(
    chart: Chart,
    workload: Workload,
    parts: PodParts,
    dependsOn: readonly TerraformResource[],
  ): TerraformResource {
    return this.make("broker", {
      timeout: rolloutSeconds(workload, this.options),
      name: parts.name,
      ...pinned(chart),
      values: fillPodParts(chart.values, parts),
      wait: true,
      dependsOn,
    });
  }

  public customResource(
    resource: CustomResource,
    parts: PodParts,
    dependsOn: readonly TerraformResource[],
  ): TerraformResource {
    const operator = this.options.installOperator ? [this.operator(resource.operator)] : [];
    const object = {
      ...resource,
      name: parts.name,
      labels: parts.labels as Record<string, string>,
      spec: fillPodParts(resource.spec, parts),
    };
    return this.objects("broker", parts.name, [object], [...dependsOn, ...operator]);
  }

  public objects(
    id: string,
    name: string,
    objects: readonly CustomObject[],
    dependsOn: readonly TerraformResource[],
  ): TerraformResource {
    this.chart ??= new TerraformAsset(this.scope, "objects-chart", {
      path: join(__dirname, "chart"),
      type: AssetType.DIRECTORY,
    });
    return this.make(id, {
      name,
      chart: this.chart.path,
      values: {
        objects: objects.map(({ apiVersion, kind, name: objectName, labels, spec }) => ({
          apiVersion,
          kind,
          metadata: { name: objectName, namespace: this.options.namespace, labels },
          spec,
        })),
      },
      // Helm knows nothing of these kinds that it could wait for.
      wait: false,
      dependsOn,
    });
  }

  /** One for all clusters of the stack. */
  private operator(chart: CustomResource["operator"]): TerraformResource {
    const present = TerraformStack.of(this.scope)
      .node.findAll()
      .find((made): made is Release => made instanceof Release && made.nameInput === chart.name);
    return (
      present ??
      this.make("operator", {
        name: chart.name,
        ...pinned(chart),
        namespace: OPERATOR_NAMESPACE,
        values: {},
        wait: true,
        dependsOn: [],
      })
    );
  }

  private make(
    id: string,
    {
      values,
      dependsOn,
      namespace,
      timeout = USUAL_SECONDS,
      ...config
    }: {
      readonly name: string;
      readonly chart: string;
      readonly repository?: string;
      readonly version?: string;
      readonly namespace?: string;
      readonly timeout?: number;
      readonly values: JsonObject;
      readonly wait: boolean;
      readonly dependsOn: readonly TerraformResource[];
    },
  ): TerraformResource {
    return new Release(this.scope, id, {
      provider: this.theProvider(),
      dependsOn: [...dependsOn],
      ...config,
      namespace: namespace ?? this.options.namespace,
      createNamespace: namespace !== undefined,
      // One document with its keys in order: lists of single settings show changes that are none.
      values: [escapeTemplate(toYaml(sorted(values) as JsonObject, "Written by cdktf-mqtt-cluster."))],
      // A release that fails half-way would refuse every later one: "another operation in progress".
      atomic: true,
      cleanupOnFail: true,
      timeout,
    });
  }

  private theProvider(): HelmProvider {
    const { kubeconfig: configPath, context: configContext } = this.options;
    this.provider ??= new HelmProvider(this.scope, "helm", {
      alias: this.cluster,
      kubernetes: configPath || configContext ? { configPath, configContext } : undefined,
    });
    return this.provider;
  }
}

function pinned({ repository, name, version }: Pick<Chart, "repository" | "name" | "version">) {
  return { repository, chart: name, version };
}

function sorted(json: Json | undefined): Json | undefined {
  if (Array.isArray(json)) {
    return json.map((inner) => sorted(inner) as Json);
  }
  return typeof json === "object" && json !== null
    ? Object.fromEntries(
        Object.entries(json)
          .filter(([, value]) => value !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => [key, sorted(value) as Json]),
      )
    : json;
}
