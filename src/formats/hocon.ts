/** What HOCON can say and this package needs. Keys whose value is `undefined` are left out. */
export type HoconValue = string | number | boolean | readonly HoconValue[] | HoconObject;
export interface HoconObject {
  readonly [key: string]: HoconValue | undefined;
}

/**
 * HOCON as EMQX reads it. Every string is quoted: unquoted, `0.0.0.0:1883` is a syntax error, `#` begins a comment and
 * `${…}` is replaced.
 */
export function printHocon(object: HoconObject): string {
  return `${fields(object, "").join("\n")}\n`;
}

function fields(object: HoconObject, indent: string): string[] {
  return entries(object).map(([key, value]) =>
    isObject(value)
      ? `${indent}${printKey(key)} ${printValue(value, indent)}`
      : `${indent}${printKey(key)} = ${printValue(value, indent)}`,
  );
}

function printValue(value: HoconValue, indent: string): string {
  const inside = `${indent}  `;
  if (isObject(value)) {
    return block("{", fields(value, inside), indent, "}");
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => inside + printValue(item, inside));
    return block(
      "[",
      items.map((item, index) => (index < items.length - 1 ? `${item},` : item)),
      indent,
      "]",
    );
  }
  return printScalar(value as string | number | boolean);
}

function block(open: string, lines: readonly string[], indent: string, close: string): string {
  return lines.length === 0 ? open + close : [open, ...lines, indent + close].join("\n");
}

function printScalar(value: string | number | boolean): string {
  if (typeof value === "string") {
    return quote(value);
  }
  const text = String(value);
  if (typeof value === "number" && !/^-?\d+(?:\.\d+(?:e[+-]?\d+)?)?$/.test(text)) {
    throw new Error(`EMQX cannot read the number ${text}`);
  }
  return text;
}

/** Unquoted, a dot in a key would begin another section. */
function printKey(key: string): string {
  if (/[\\"]/.test(key)) {
    throw new Error(`EMQX cannot read the key ${key}`);
  }
  return /^(?!(?:true|false|null|include)$)[A-Za-z][A-Za-z0-9_]*$/.test(key) ? key : quote(key);
}

const ESCAPES: Readonly<Record<string, string>> = { "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t" };

/**
 * Not JSON's quoting: EMQX knows only the escapes above, `\\` and `\"`, and takes `\u0001` for six characters. Other control
 * characters may stand as they are, but for two line ends there is no way at all. At most one string that ends with a
 * backslash may stand on a line, because EMQX takes the longest text between two quotes for the string.
 */
function quote(text: string): string {
  if (/[\u2028\u2029]/.test(text)) {
    throw new Error("EMQX cannot read a line or paragraph separator (U+2028, U+2029) in a string");
  }
  return `"${text.replace(/["\\\b\f\n\r\t]/g, (character) => `\\${ESCAPES[character] ?? character}`)}"`;
}

function entries(object: HoconObject): [string, HoconValue][] {
  return Object.entries(object).filter((entry): entry is [string, HoconValue] => entry[1] !== undefined);
}

function isObject(value: HoconValue): value is HoconObject {
  return typeof value === "object" && !Array.isArray(value);
}
