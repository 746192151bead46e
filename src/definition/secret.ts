/** Where a secret's value is kept. */
export type SecretSource = "variable" | "kubernetes" | "file";

/**
 * The name of a secret, never its value.
 *
 * A definition, a plan, a snapshot and a log hold only this name. The target turns it into a reference that is resolved
 * while the plan is applied, and refuses a source that it cannot resolve.
 */
export class Secret {
  /**
   * A sensitive variable of the Terraform stack that uses it. Its value must have at least 12 characters
   * out of `A-Z a-z 0-9 . _ ~ + / = -` and begin with a letter or digit, because it is written into the configuration languages of several programs (EMQX reads
   * everything after a `#` as a comment). Terraform checks that before it changes anything.
   *
   * @param name Letters, digits and underscores, beginning with a letter: `sensors_password`.
   */
  public static variable(name: string): Secret {
    return new Secret("variable", name);
  }

  /**
   * One key of a Kubernetes secret that the cluster already holds. Only for `Target.kubernetes()`.
   *
   * @param secretName Name of the Kubernetes secret: `mqtt-users`.
   * @param key Key in that secret: `sensors`.
   */
  public static kubernetes(secretName: string, key: string): Secret {
    // What is no text is no name: `undefined` must not become one.
    const isNamed = typeof secretName === "string" && typeof key === "string";
    return new Secret("kubernetes", isNamed ? `${secretName}/${key}` : "");
  }

  /**
   * A file that the host already holds. Only for `Target.vms()`.
   *
   * @param path Absolute path on the host: `/etc/mqtt/sensors.password`.
   */
  public static file(path: string): Secret {
    return new Secret("file", path);
  }

  /** Where the value is kept. */
  public readonly source: SecretSource;
  /** The variable's name, `secret/key`, or the path. */
  public readonly name: string;

  private constructor(source: SecretSource, name: string) {
    this.source = source;
    this.name = name;
  }

  /** The reference as it stands in rendered text; see `formats/references.ts`. */
  public toString(): string {
    return `<<secret:${this.source}:${this.name}>>`;
  }
}

/** Every secret in a checked definition, with the path of the option that names it. */
export function secretsOf(value: unknown, path = ""): { readonly path: string; readonly secret: Secret }[] {
  if (value instanceof Secret) {
    return [{ path, secret: value }];
  }
  if (value === null || typeof value !== "object") {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    secretsOf(inner, Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key),
  );
}
