import { until } from "../../support/servers";
import { attempt, kubectl, make, read } from "./kubectl";

const OURS = "mqtt-cluster-e2e";

/** A namespace of a suite's own, in which pods must be as harmless as the strictest standard wants them. */
export class Namespace {
  private before: ReadonlySet<string> = new Set();

  public constructor(public readonly name: string) {}

  /** Removes one of its own that a suite left behind; never one of somebody else. */
  public async make(...objects: object[]): Promise<void> {
    const present = await attempt("get", "namespace", this.name, "-o", "json");
    if (present.status === 0) {
      if (!JSON.parse(present.output).metadata.labels?.[OURS]) {
        throw new Error(`namespace ${this.name} is in use: the suites wipe what is in it`);
      }
      await this.remove();
    }
    const labels = { [OURS]: "true", "pod-security.kubernetes.io/enforce": "restricted" };
    make({ apiVersion: "v1", kind: "Namespace", metadata: { name: this.name, labels } });
    if (objects.length > 0) {
      make(...objects);
    }
    await until(
      "the namespace is furnished",
      async () => (await this.kubectl("get", "serviceaccount", "default")) !== "",
    );
    this.before = new Set(await this.inventory());
  }

  public async remove(): Promise<void> {
    await kubectl("delete", "namespace", this.name, "--ignore-not-found", "--timeout=120s");
  }

  public kubectl(...args: string[]): Promise<string> {
    return kubectl("--namespace", this.name, ...args);
  }

  public read<T>(...args: string[]): Promise<T> {
    return read("--namespace", this.name, ...args);
  }

  /** What came since it was made and does not go: what belongs to something else goes a moment later than that. */
  public async remains(): Promise<string[]> {
    let left: string[] = [];
    const areGone = async () => {
      left = (await this.inventory()).filter((object) => !this.before.has(object));
      return left.length === 0;
    };
    await until("everything is gone", areGone, 90_000).catch(() => {});
    return left;
  }

  /** Names of all objects in the namespace but events, and of those outside of it that have our labels. */
  private async inventory(): Promise<string[]> {
    const kinds = (await kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name"))
      .split("\n")
      .filter((kind) => !/^events\b/.test(kind));
    const inside = await this.kubectl("get", kinds.join(), "-o", "name", "--ignore-not-found");
    const outside = await kubectl(
      ...["get", "clusterroles,clusterrolebindings", "-o", "name"],
      ...["-l", "app.kubernetes.io/managed-by=terraform"],
    );
    return `${inside}\n${outside}`.split("\n").filter((line) => /^\S+\/\S+$/.test(line));
  }
}
