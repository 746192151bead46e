import { Fn, TerraformResource, TerraformStack, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import type { SoundDefinition } from "../definition/cluster";
import { type Problem, problem } from "../definition/problems";
import { type SecretSource, secretsOf } from "../definition/secret";
import { resolveSecrets, type SecretReference, secretsIn } from "../formats/references";
import { escapeTemplate } from "../formats/terraform";

/**
 * Letters and digits first, because a leading `-` is an option to some programs; no `#`, quotes, spaces or `$`, which end
 * or change a value in one configuration language or another.
 */
const SECRET_VALUE = "^[A-Za-z0-9][A-Za-z0-9._~+/=-]{11,}$";

const RULE = "at least 12 letters, digits and . _ ~ + / = -, beginning with a letter or digit";

/** Secrets whose variable the stack cannot have, because something else has the name. */
export function takenSecretNames(stack: TerraformStack, definition: SoundDefinition): Problem[] {
  return secretsOf(definition).flatMap(({ path, secret }) => {
    const present = secret.source === "variable" && stack.node.tryFindChild(secret.name);
    if (!present) {
      return [];
    }
    if (!(present instanceof TerraformVariable)) {
      return [
        problem(
          path,
          secret,
          `is a name that something else in the stack ${stack.node.id} has; name one of them otherwise`,
        ),
      ];
    }
    return present.sensitive
      ? []
      : [
          problem(
            path,
            secret,
            "is a variable of the stack that is not sensitive: set sensitive: true, or take another name",
          ),
        ];
  });
}

/** The secrets of a stack, as sensitive variables: by name, each once, whoever uses it. */
export class StackSecrets {
  private readonly variables = new Map<string, TerraformVariable>();

  /** @param leftInPlace Secrets of this source are left in the text as they are: the place itself will put them in. */
  public constructor(
    private readonly scope: Construct,
    private readonly leftInPlace?: SecretSource,
  ) {}

  public get names(): string[] {
    return [...this.variables.keys()].sort();
  }

  /** Terraform text: literals escaped, secrets as references to variables. */
  public resolve(text: string): string {
    return resolveSecrets(text, {
      literal: escapeTemplate,
      secret: (reference) =>
        this.isLeft(reference)
          ? escapeTemplate(`<<secret:${reference.source}:${reference.name}>>`)
          : this.valueOf(reference),
      basicAuth: (user, reference) =>
        this.isLeft(reference)
          ? escapeTemplate(`<<basic-auth:${user}:${reference.source}:${reference.name}>>`)
          : Fn.base64encode(`${user}:${this.valueOf(reference)}`),
    });
  }

  /** Changes when a secret of the text does, and tells nobody what it is; `undefined` for a text without. */
  public fingerprint(text: string): string | undefined {
    const values = secretsIn(text)
      .filter((reference) => !this.isLeft(reference))
      .map((reference) => this.valueOf(reference));
    // Terraform would not show a sensitive trigger, nor say which one changed.
    return values.length > 0 ? Fn.nonsensitive(Fn.sha256(Fn.join("\n", values))) : undefined;
  }

  private isLeft({ source }: SecretReference): boolean {
    return source === this.leftInPlace;
  }

  private valueOf({ source, name }: SecretReference): string {
    if (source !== "variable") {
      throw new Error(`secret ${name} is kept in a ${source}, which the target should have refused`);
    }
    const variable = this.variables.get(name) ?? this.find(name) ?? this.create(name);
    this.variables.set(name, variable);
    return variable.stringValue;
  }

  private find(name: string): TerraformVariable | undefined {
    return TerraformStack.of(this.scope).node.tryFindChild(name) as TerraformVariable | undefined;
  }

  private create(name: string): TerraformVariable {
    return new TerraformVariable(TerraformStack.of(this.scope), name, {
      type: "string",
      sensitive: true,
      nullable: false,
      description: `Secret: ${RULE}.`,
    });
  }

  /**
   * Makes every plan check the secrets that were resolved. Not by the variables' own validation: Terraform 1.11 prints the
   * value that fails it, sensitive or not, and the line of the file it came from.
   */
  public checkInPlan(): TerraformResource {
    // Not cdktf's DataResource, which runs `terraform version` at synthesis: that must work without Terraform.
    return new TerraformResource(this.scope, "secret-rules", {
      terraformResourceType: "terraform_data",
      terraformGeneratorMetadata: { providerName: "terraform" },
      lifecycle: {
        precondition: this.names.map((name) => ({
          condition: `\${can(regex("${SECRET_VALUE}", var.${name}))}`,
          errorMessage: `The secret ${name} must have ${RULE}: it is written into the configuration files of several programs.`,
        })),
      },
    });
  }
}
