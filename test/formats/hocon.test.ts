import * as fc from "fast-check";
import { type HoconObject, type HoconValue, printHocon } from "../../src/formats/hocon";

test("sections are indented, every string is quoted, keys that are no plain word too", () => {
  expect(
    printHocon({
      node: { max_ports: 1024, name: undefined },
      headers: { "content-type": "application/json", include: "${.}" },
      listeners: { tcp: { default: { bind: "0.0.0.0:1883", proxy_protocol: true } } },
      seeds: ["a@b.c", "d@e.f"],
      sources: [{ type: "file", enable: true }],
      empty: {},
      none: [],
    }),
  ).toMatchInlineSnapshot(`
"node {
  max_ports = 1024
}
headers {
  "content-type" = "application/json"
  "include" = "\${.}"
}
listeners {
  tcp {
    default {
      bind = "0.0.0.0:1883"
      proxy_protocol = true
    }
  }
}
seeds = [
  "a@b.c",
  "d@e.f"
]
sources = [
  {
    type = "file"
    enable = true
  }
]
empty {}
none = []
"
`);
});

test("whatever is written, EMQX's rules read back the same", () => {
  const readable = (text: string) => !/[\u2028\u2029]/.test(text);
  const key = fc.string({ minLength: 1, unit: "binary" }).filter((text) => readable(text) && !/[\\"]/.test(text));
  const { object } = fc.letrec<{ value: HoconValue; object: HoconObject }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: "binary" }).filter(readable),
      fc.stringMatching(/^[\\"'#${}=:,\n ]*$/).filter(readable),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.array(tie("value"), { maxLength: 4 }),
      tie("object"),
    ),
    object: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(fc.property(object, (value) => expect(read(printHocon(value))).toEqual(value)));
});

test("what EMQX cannot read is refused instead of written wrong", () => {
  for (const object of [{ a: "\u2028" }, { 'a"b': 1 }, { "a\\": 1 }, { a: 1e21 }, { a: 1e-7 }, { a: Number.NaN }]) {
    expect(() => printHocon(object)).toThrow(/EMQX cannot read/);
  }
});

/** The rules of EMQX's own reader for what the printer uses; above all its strings, where the longest match wins. */
const STRING = /"(?:\\["\\bfnrt]|[^"\n\r\u2028\u2029])*"/y;
const TOKEN = /[{}[\],=]|true|false|-?\d+(?:\.\d+(?:e[+-]?\d+)?)?|[A-Za-z][A-Za-z0-9_]*/y;
const UNESCAPED: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function read(text: string): HoconObject {
  let position = 0;
  const next = (): string => {
    while (text[position] === " " || text[position] === "\n") {
      position++;
    }
    const found = longestString(text, position) ?? match(TOKEN, text, position);
    if (found === undefined) {
      throw new Error(`no token at ${position}: ${text.slice(position, position + 20)}`);
    }
    position += found.length;
    return found;
  };
  const peek = () => {
    const before = position;
    const token = position < text.trimEnd().length ? next() : "";
    position = before;
    return token;
  };
  const fieldsUntil = (end: string): HoconObject => {
    const object: Record<string, HoconValue> = {};
    while (peek() !== end) {
      const key = unquote(next());
      if (peek() === "=") {
        next();
      }
      Object.defineProperty(object, key, { value: value(), enumerable: true, configurable: true, writable: true });
    }
    return object;
  };
  const value = (): HoconValue => {
    const token = next();
    if (token === "{") {
      const object = fieldsUntil("}");
      next();
      return object;
    }
    if (token === "[") {
      const list: HoconValue[] = [];
      while (peek() !== "]") {
        list.push(value());
        if (peek() === ",") {
          next();
        }
      }
      next();
      return list;
    }
    return token.startsWith('"') ? unquote(token) : JSON.parse(token);
  };
  return fieldsUntil("");
}

/** A backslash may also be read as an ordinary character, so a string may end at more than one quote: the last one wins. */
function longestString(text: string, start: number): string | undefined {
  if (text[start] !== '"') {
    return undefined;
  }
  const escaped = match(STRING, text, start);
  const line = text.slice(start).split(/[\n\r\u2028\u2029]/, 1)[0];
  for (let end = line.length; end > (escaped?.length ?? 0); end--) {
    if (/^"(?:[^"]|\\")*"$/.test(line.slice(0, end))) {
      return line.slice(0, end);
    }
  }
  return escaped;
}

function match(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

function unquote(token: string): string {
  return token.startsWith('"')
    ? token.slice(1, -1).replace(/\\(["\\bfnrt])/g, (_, character) => UNESCAPED[character] ?? character)
    : token;
}
