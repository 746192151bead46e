/**
 * Writes src/components/emqx/known-keys.ts from a list of EMQX's settings:
 *
 *   node scripts/emqx-keys.mjs config-keys.tsv 5.8.9
 *
 * The list has a heading and one line per setting: full key, type, default as JSON, importance, aliases, separated by
 * tabs. In a key `$name` stands for any name and `[]` for an item of a list. A key may stand there several times, once for
 * each type that it may have.
 *
 * Many sections occur dozens of times (every listener, every authenticator), so each different one is written once, as a
 * line of settings separated by tabs: `name;type;number of its own section;default;aliases`, empty ends left out. Sections
 * come before those that contain them; the last one is the root.
 */
import { readFileSync, writeFileSync } from "node:fs";

const [list, version] = process.argv.slice(2);
const root = { types: [], children: new Map() };

for (const line of readFileSync(list, "utf8").trimEnd().split("\n").slice(1)) {
  const [path, type, value, , aliases = ""] = line.split("\t");
  // `client_attrs_init.[].expression`; a `.` never occurs in a name.
  const setting = path.split(".").reduce((section, name) => {
    if (!section.children.has(name)) {
      section.children.set(name, { types: [], children: new Map() });
    }
    return section.children.get(name);
  }, root);
  setting.types.push(type);
  // Only what fits into a sentence is worth showing.
  setting.value = /^(?:true|false|-?[\d.]+|"[^"\\;]{1,40}")$/.test(value) ? value : "";
  setting.aliases = aliases;
}

const sections = new Map();

function number(section) {
  const line = [...section.children]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { types, children, value, aliases }]) => {
      const type = [...new Set(types)].join("|");
      const fields = [
        name,
        children.size > 0 ? "" : type,
        children.size > 0 ? number({ children }) : "",
        value,
        aliases,
      ];
      return fields.join(";").replace(/;+$/, "");
    })
    .join("\t");
  if (!sections.has(line)) {
    sections.set(line, sections.size);
  }
  return sections.get(line);
}

number(root);
const text = [...sections.keys()].join("\n").replace(/[\\`$]/g, "\\$&");
writeFileSync(
  new URL("../src/components/emqx/known-keys.ts", import.meta.url),
  `// Written by scripts/emqx-keys.mjs, which says how to read it.
// biome-ignore-all format: generated

/** Every setting of EMQX ${version}, with type, default and aliases. */
export const KNOWN_KEYS = \`
${text.replaceAll("\t", "\\t")}
\`;
`,
);
