import { isBusinessEmqx } from "../../definition/cross-checks";
import { type HoconObject, type HoconValue, printHocon } from "../../formats/hocon";
import { secretsIn } from "../../formats/references";
import type { Placement } from "../../placement/placement";
import type { ConfigFile } from "../../workload";
import { type EmqxCluster, emqxConfig } from "./config";
import { type EmqxPlaces, emqxPlaces } from "./places";

/** The same configuration as `configFile` writes, where EMQX's operator has the file of that name for itself. */
export interface OperatorConfig {
  /** Without secrets: it stands in the custom resource, in an annotation of it, and in a config map. */
  readonly data: string;
  /** Laid out beside it. */
  readonly files: readonly ConfigFile[];
}

/** What the operator writes into the environment of its pods: a file has no say in it. */
const OPERATORS_OWN: Readonly<Record<string, readonly string[]>> = {
  node: ["cookie", "data_dir"],
  cluster: ["discovery_strategy", "dns", "static"],
};

/** Sections that a node reads at its start only: the operator changes running nodes, and would change nothing here. */
const READ_AT_START = ["node", "cluster", "rpc"];

export function operatorConfig(definition: EmqxCluster, placement: Placement): OperatorConfig {
  const config = Object.fromEntries(
    Object.entries(emqxConfig(definition, placement)).map(([section, value]) => [
      section,
      OPERATORS_OWN[section] ? without(value as HoconObject, OPERATORS_OWN[section]) : value,
    ]),
  );
  const places = emqxPlaces(placement);
  return isBusinessEmqx(definition.broker.version)
    ? filePerSecret(config, places)
    : fileOfSections(config, places.base);
}

function without(section: HoconObject, keys: readonly string[]): HoconObject {
  return Object.fromEntries(Object.entries(section).filter(([key]) => !keys.includes(key)));
}

/**
 * For the operators of EMQX 5.8, whose data is emqx.conf. What nobody may read, or nothing but a restart brings into force,
 * goes to base.hocon, which EMQX reads before it.
 */
function fileOfSections(config: HoconObject, path: string): OperatorConfig {
  const sections = Object.entries(config);
  const isForFile = ([section, value]: [string, HoconValue | undefined]) =>
    READ_AT_START.includes(section) || secretsIn(printHocon({ [section]: value })).length > 0;
  return {
    data: printHocon(Object.fromEntries(sections.filter((entry) => !isForFile(entry)))),
    files: [
      {
        path,
        content: [
          "# Written by cdktf-mqtt-cluster. Changes are lost at the next deployment.",
          printHocon(Object.fromEntries(sections.filter(isForFile))),
        ].join("\n"),
        mode: 0o400,
        onChange: "restart",
      },
    ],
  };
}

/**
 * For those of 5.9 and later, which have both files for themselves: base.hocon for their data, and an empty emqx.conf. From
 * 5.9 on EMQX reads every secret that is written here from a file of its own.
 */
function filePerSecret(config: HoconObject, places: EmqxPlaces): OperatorConfig {
  const files = new Map<string, ConfigFile>();
  const replaced = (value: HoconValue): HoconValue => {
    if (typeof value === "object") {
      return Array.isArray(value)
        ? value.map(replaced)
        : Object.fromEntries(
            Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, replaced(inner)]])),
          );
    }
    const [secret] = secretsIn(String(value));
    if (secret === undefined) {
      // The operator prints settings again and cuts a quotation mark off that ends a text, as in the session copy's SQL.
      return typeof value === "string" && value.endsWith('"') ? `${value} ` : value;
    }
    const { source, name } = secret;
    if (value !== `<<secret:${source}:${name}>>`) {
      throw new Error(`EMQX reads ${name} from a file only where it stands alone`);
    }
    const path = places.secret(source, name);
    files.set(path, { path, content: value, mode: 0o400, onChange: "restart" });
    return `file://${path}`;
  };
  const data = printHocon(replaced(config) as HoconObject);
  return { data, files: [...files.values()] };
}
