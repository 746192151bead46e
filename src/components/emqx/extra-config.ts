import type { EmqxDefinition } from "../../definition/cluster";
import { NOT_SHOWN, type Problem, problem } from "../../definition/problems";
import { didYouMean } from "../../definition/values";
import { governs } from "./governed-keys";
import { KNOWN_KEYS } from "./known-keys";
import { misfit, type Scalar } from "./setting-types";

/**
 * What is wrong with `broker.extraConfig`. EMQX itself is no help: an unknown section at the top is dropped in silence, an
 * unknown key further down keeps the node from starting.
 */
export function checkExtraConfig({ version, extraConfig }: Pick<EmqxDefinition, "version" | "extraConfig">): Problem[] {
  const path = "broker.extraConfig";
  if (Object.keys(extraConfig).length === 0) {
    return [];
  }
  if (!/^5\.8(?:\.|$)/.test(version)) {
    return [
      problem(
        path,
        extraConfig,
        `the settings of EMQX ${version} are not known to this package, only those of 5.8: leave it out and set them in the ` +
          "dashboard or the API, where EMQX checks them itself",
      ),
    ];
  }
  return Object.entries(extraConfig).flatMap(([key, value]) => {
    const message = keyProblem(key, value);
    // What stands where a secret belongs may be the secret itself; so may the value of a misspelt setting.
    const maySecret =
      /password|secret|cookie|token|license/.test(key) || ("unknown" in find(key) && typeof value === "string");
    const shown = maySecret ? { value: NOT_SHOWN } : {};
    return message === undefined ? [] : [{ ...problem(`${path}["${key}"]`, value, message), ...shown }];
  });
}

function keyProblem(key: string, value: Scalar): string | undefined {
  const found = find(key);
  if ("unknown" in found) {
    return found.unknown;
  }
  if (found.setting.type.includes("secret()")) {
    return "is a secret: a definition holds names of secrets, never their values, and has none for this; leave it out";
  }
  return governs(found.canonical) ?? settingProblem(key, value);
}

/** Why EMQX 5.8 would not accept a setting. Lists are taken for what they should be. */
export function settingProblem(key: string, value: Scalar | readonly unknown[]): string | undefined {
  const found = find(key);
  if ("unknown" in found) {
    return found.unknown;
  }
  const { type, section, value: usual } = found.setting;
  if (typeof value === "object") {
    return section?.some(({ name }) => name === "[]") || type.includes("array(") ? undefined : "takes no list";
  }
  if (section !== undefined) {
    return `is a section: name one of its settings, ${list(section, `${found.canonical}.`)}`;
  }
  const allowed = misfit(type, value);
  return allowed && `${allowed}${usual ? `; EMQX's default is ${usual}` : ""}`;
}

interface Setting {
  readonly name: string;
  readonly type: string;
  readonly section?: Section;
  readonly value: string;
  readonly aliases: readonly string[];
}
type Section = readonly Setting[];

/** Follows a key from the root, and replaces aliases in it by the names that they stand for. */
function find(key: string): { canonical: string; setting: Setting } | { unknown: string } {
  let section: Section | undefined = rootSection();
  let setting: Setting | undefined;
  const canonical: string[] = [];
  for (const name of key.split(".")) {
    const prefix = canonical.map((part) => `${part}.`).join("");
    if (!section) {
      return { unknown: `is unknown: ${canonical.join(".")} is a single value` };
    }
    setting =
      section.find((one) => one.name === name || one.aliases.includes(name)) ??
      (/^[A-Za-z0-9_-]+$/.test(name) ? section.find((one) => one.name.startsWith("$")) : undefined);
    if (!setting) {
      const known = section.map((one) => prefix + one.name);
      return {
        unknown: `is no setting of EMQX 5.8; known: ${list(section, prefix)}${didYouMean(prefix + name, known)}`,
      };
    }
    canonical.push(setting.name.startsWith("$") ? name : setting.name);
    section = setting.section;
  }
  return { canonical: canonical.join("."), setting: setting as Setting };
}

function list(section: Section, prefix: string): string {
  return section.map(({ name }) => prefix + name).join(", ");
}

let root: Section | undefined;

function rootSection(): Section {
  root ??= readSections(KNOWN_KEYS);
  return root;
}

/** The format is described in scripts/emqx-keys.mjs. */
function readSections(text: string): Section {
  const sections: Section[] = [];
  for (const line of text.trim().split("\n")) {
    sections.push(
      line.split("\t").map((field) => {
        const [name, type = "", section = "", value = "", aliases = ""] = field.split(";");
        return {
          name,
          type,
          section: section ? sections[Number(section)] : undefined,
          value,
          aliases: aliases.split(","),
        };
      }),
    );
  }
  return sections[sections.length - 1];
}
