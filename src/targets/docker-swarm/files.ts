import { posix } from "node:path";
import { Config } from "@cdktf/provider-docker/lib/config";
import type { DockerProvider } from "@cdktf/provider-docker/lib/provider";
import { Secret } from "@cdktf/provider-docker/lib/secret";
import type {
  ServiceTaskSpecContainerSpec,
  ServiceTaskSpecContainerSpecConfigs,
  ServiceTaskSpecContainerSpecSecrets,
} from "@cdktf/provider-docker/lib/service";
import { Fn, TerraformLocal, type TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import { secretsIn } from "../../formats/references";
import type { ConfigFile, Instance, Workload } from "../../workload";
import { fingerprint } from "../fingerprint";
import type { StackSecrets } from "../stack-secrets";

/** Docker's limit is 64. */
const LONGEST_PREFIX = 38;

/** Who the files of a workload are for, and who owns them. */
export interface FileOwner {
  readonly user: string;
  readonly group: string;
}

type FileReference =
  | { readonly config: ServiceTaskSpecContainerSpecConfigs }
  | { readonly secret: ServiceTaskSpecContainerSpecSecrets };

/** The files of workloads as configs and secrets of the swarm, each once, whoever has it. */
export class SwarmFiles {
  public readonly resources: TerraformResource[] = [];
  private readonly references = new Map<string, { readonly reference: FileReference; readonly path: string }>();

  public constructor(
    private readonly scope: Construct,
    private readonly provider: DockerProvider,
    private readonly cluster: string,
    private readonly secrets: StackSecrets,
    private readonly dependsOn: readonly TerraformResource[],
  ) {}

  public of(
    workload: Workload,
    instance: Instance,
    owner: FileOwner,
  ): Pick<ServiceTaskSpecContainerSpec, "configs" | "secrets"> {
    const references = workload.files
      .filter(({ onlyFor }) => onlyFor === undefined || onlyFor === instance.name)
      .map((file) => this.reference(workload, file, owner));
    const configs = references.flatMap((reference) => ("config" in reference ? [reference.config] : []));
    const secrets = references.flatMap((reference) => ("secret" in reference ? [reference.secret] : []));
    return { configs: orNone(configs), secrets: orNone(secrets) };
  }

  private reference(workload: Workload, file: ConfigFile, owner: FileOwner): FileReference {
    const id = `${file.onlyFor ?? workload.name}-${posix.basename(file.path)}`;
    const { reference, path } = this.references.get(id) ?? {
      reference: this.create(id, workload, file, owner),
      path: file.path,
    };
    if (path !== file.path) {
      throw new Error(`${workload.program} has two files of one name: ${path}, ${file.path}`);
    }
    this.references.set(id, { reference, path });
    return reference;
  }

  private create(id: string, workload: Workload, file: ConfigFile, { user, group }: FileOwner): FileReference {
    const text = new TerraformLocal(this.scope, `${id}-text`, this.secrets.resolve(file.content));
    const props = {
      provider: this.provider,
      dependsOn: [...this.dependsOn],
      name: this.name(workload, file),
      data: Fn.base64encode(text.asString),
      // The old one is in use until its services have the new one.
      lifecycle: { createBeforeDestroy: true, ignoreChanges: ["name"] },
    };
    const place = {
      fileName: file.path,
      // Numbers: names would be those of the host. What holds no secret may be read by everybody, whoever owns it.
      fileUid: user,
      fileGid: group,
      fileMode: file.mode,
    };
    if (secretsIn(file.content).length === 0 && !file.mustBeOwnedByProgram) {
      const config = new Config(this.scope, id, props);
      this.resources.push(config);
      return { config: { configId: config.id, configName: config.name, ...place } };
    }
    const secret = new Secret(this.scope, id, {
      ...props,
      labels: [
        { label: "mqtt-cluster.name", value: this.cluster },
        { label: "mqtt-cluster.file", value: file.path },
      ],
    });
    this.resources.push(secret);
    return { secret: { secretId: secret.id, secretName: secret.name, ...place } };
  }

  /**
   * What it holds, without its secrets, and when it was made: after a roll that went back, the old one is still there when the
   * next plan makes it again.
   */
  private name({ name }: Workload, { path, content, onlyFor = name }: ConfigFile): string {
    const prefix = `${this.cluster}-${onlyFor}`.slice(0, LONGEST_PREFIX);
    const time = Fn.formatdate("YYYYMMDDhhmmss", Fn.timestamp());
    return `${prefix}-${fingerprint(`${onlyFor}\n${path}\n${content}`).slice(0, 8)}-${time}`;
  }
}

function orNone<T>(list: readonly T[]): T[] | undefined {
  return list.length > 0 ? [...list] : undefined;
}
