import { ConfigMapV1 } from "@cdktf/provider-kubernetes/lib/config-map-v1";
import { JobV1 } from "@cdktf/provider-kubernetes/lib/job-v1";
import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { SecretV1 } from "@cdktf/provider-kubernetes/lib/secret-v1";
import type { TerraformResource } from "cdktf";
import { imageOf } from "../../definition/images";
import type { SecretReference } from "../../formats/references";
import type { JsonObject, Workload } from "../../workload";
import { fingerprint } from "../fingerprint";
import type { StackSecrets } from "../stack-secrets";
import type { Accounts } from "./accounts";
import { checkSecretsCommand, layOutTemplate, SECRETS, TEMPLATES } from "./files";
import { blocks, distinct, escaped, type Making, metadata, secretsOf } from "./making";
import { namespaceOf } from "./namespaces";
import { projectedSecrets } from "./pod";
import { containerSecurity, podSecurity, RESTRICTED } from "./security";

/** How long the check of secrets may take, its image included. */
const CHECK_TIMEOUT = "2m";

/** What everything in the namespace waits for: the namespace, if it is made, and the secrets. */
export class Foundation {
  private readonly made: TerraformResource[] = [];

  public constructor(
    private readonly making: Making,
    private readonly secrets: StackSecrets,
    private readonly accounts: Accounts,
  ) {}

  public get resources(): TerraformResource[] {
    return [...this.made];
  }

  public make(workloads: readonly Workload[]): void {
    this.makeNamespace();
    this.makeSecrets(workloads);
  }

  private makeNamespace(): void {
    const { scope, provider, options, names } = this.making;
    const { createNamespace, namespace, hardening } = options;
    const present = namespaceOf(scope, namespace);
    if (present) {
      this.made.push(present);
    } else if (createNamespace) {
      const restricted = RESTRICTED.every((measure) => hardening[measure]);
      this.made.push(
        new NamespaceV1(scope, "namespace", {
          provider,
          metadata: {
            name: namespace,
            labels: {
              ...names.sharedLabels(),
              ...(restricted && { "pod-security.kubernetes.io/enforce": "restricted" }),
            },
          },
          // Claims and pods go with it.
          timeouts: { delete: "10m" },
        }),
      );
    }
  }

  /** The secrets that are Terraform variables, in one secret of the cluster; the others are looked at before anything runs. */
  private makeSecrets(workloads: readonly Workload[]): void {
    const references = distinct(workloads.flatMap(secretsOf));
    const variables = references.filter(({ source }) => source === "variable");
    if (variables.length > 0) {
      this.made.push(
        new SecretV1(this.making.scope, "secrets", {
          provider: this.making.provider,
          dependsOn: [...this.made],
          metadata: metadata(this.making, this.making.names.of("secrets"), this.making.names.sharedLabels()),
          data: Object.fromEntries(
            variables.map(({ name }) => [name, this.secrets.resolve(`<<secret:variable:${name}>>`)]),
          ),
        }),
      );
    }
    const held = references.filter(({ source }) => source === "kubernetes");
    const reader = workloads.find((workload) => secretsOf(workload).length > 0);
    if (held.length > 0 && reader) {
      this.made.push(this.secretsCheck(held, reader));
    }
  }

  /**
   * A pod whose secret is missing would only wait, and the apply with it. So this is looked at first, by one that ends: no
   * value passes through Terraform, and what is missing stands in its log.
   */
  private secretsCheck(held: readonly SecretReference[], reader: Workload): TerraformResource {
    const templates = new ConfigMapV1(this.making.scope, "secrets-check-script", {
      provider: this.making.provider,
      dependsOn: [...this.made],
      metadata: metadata(this.making, this.making.names.of("secrets-check"), this.making.names.sharedLabels()),
      data: escaped(layOutTemplate()),
    });
    const image = imageOf(this.making.options, reader);
    const command = checkSecretsCommand(held.map(({ source, name }) => `${source}/${name}`));
    const pod: JsonObject = {
      restartPolicy: "Never",
      serviceAccountName: this.accounts.plain(this.made),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      imagePullSecrets: this.making.options.imagePullSecrets.map((name) => ({ name })),
      securityContext: podSecurity(reader, this.making.options),
      containers: [
        {
          name: "check",
          image,
          command,
          resources: { requests: { memory: "32Mi", cpu: "10m" }, limits: { memory: "64Mi" } },
          securityContext: containerSecurity(reader, this.making.options),
          volumeMounts: [
            { name: "templates", mountPath: TEMPLATES, readOnly: true },
            { name: "secrets", mountPath: SECRETS, readOnly: true },
          ],
          terminationMessagePolicy: "FallbackToLogsOnError",
        },
      ],
      volumes: [
        { name: "templates", configMap: { name: this.making.names.of("secrets-check"), defaultMode: 0o444 } },
        { name: "secrets", projected: projectedSecrets(held, this.making.names.of("secrets")) },
      ],
    };
    const labels = this.making.names.sharedLabels();
    this.made.push(templates);
    return new JobV1(this.making.scope, "secrets-check", {
      provider: this.making.provider,
      dependsOn: [...this.made],
      // A job cannot be changed: another list is another job.
      metadata: metadata(
        this.making,
        `${this.making.names.of("secrets-check")}-${fingerprint(JSON.stringify(pod)).slice(0, 8)}`,
        labels,
      ),
      spec: { backoffLimit: 0, template: { metadata: { labels }, spec: blocks(pod) as never } },
      waitForCompletion: true,
      timeouts: { create: CHECK_TIMEOUT, update: CHECK_TIMEOUT },
    });
  }
}
