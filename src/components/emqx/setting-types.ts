/** The types of EMQX's settings, as its schema names them, and which plain values fit them. */
export type Scalar = string | number | boolean;

/** What is allowed, in words, when the value does not fit the type. */
export function misfit(type: string, value: Scalar): string | undefined {
  const choices = alternatives(type).map(scalarType);
  return choices.some((choice) => choice?.fits(value))
    ? undefined
    : choices.every((choice) => choice === undefined)
      ? "takes a list or a section, which cannot be given here"
      : `must be ${[...new Set(choices.flatMap((choice) => choice?.words ?? []))].join(", or ")}`;
}

/** `union(a|union(b|c))` as a, b and c. */
function alternatives(type: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [index, character] of [...`${type}|`].entries()) {
    depth += character === "(" ? 1 : character === ")" ? -1 : 0;
    if (character === "|" && depth === 0) {
      parts.push(type.slice(start, index));
      start = index + 1;
    }
  }
  return parts.flatMap((part) => (part.startsWith("union(") ? alternatives(part.slice(6, -1)) : [part]));
}

interface ScalarType {
  readonly words: string;
  fits(value: Scalar): boolean;
}

/** Undefined for lists and sections. */
function scalarType(type: string): ScalarType | undefined {
  const range = /^(-?\d+)\.\.(\d+|inf)$/.exec(type);
  if (range) {
    const [min, max] = [Number(range[1]), range[2] === "inf" ? Number.POSITIVE_INFINITY : Number(range[2])];
    return wholeNumber(min, max);
  }
  if (type.startsWith("enum(")) {
    return oneOf(type.slice(5, -1).split(","));
  }
  if (/^(?:map|array)\(|^[[{]/.test(type)) {
    return undefined;
  }
  const name = type.replace(/^\w+:/, "");
  return NAMED[name] ?? (name.endsWith("()") ? NAMED["string()"] : oneOf([name]));
}

function wholeNumber(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): ScalarType {
  return {
    words: Number.isFinite(max)
      ? `a whole number from ${min} to ${max}`
      : Number.isFinite(min)
        ? `a whole number, at least ${min}`
        : "a whole number",
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function oneOf(words: readonly string[]): ScalarType {
  const shown = words.map((word) => (/^(?:true|false|\d+)$/.test(word) ? word : `"${word}"`));
  return {
    words: shown.length > 1 ? `one of ${shown.join(", ")}` : shown[0],
    fits: (value) => typeof value !== "number" && words.includes(String(value)),
  };
}

function written(pattern: RegExp, words: string): ScalarType {
  return { words, fits: (value) => typeof value === "string" && pattern.test(value) };
}

const DURATION = written(/^(?:\d+(?:ms|[smhd]))+$/i, 'a duration such as "30s" or "1h30m"');
const SIZE: ScalarType = {
  words: 'a size such as "64KB" or "1MB", or a number of bytes',
  fits: (value) => (typeof value === "string" ? /^\d+(?:[kmg]b|[KMG]B)$/.test(value) : wholeNumber(0).fits(value)),
};

const NAMED: Readonly<Record<string, ScalarType>> = {
  "boolean()": { words: "true or false", fits: (value) => typeof value === "boolean" },
  "integer()": wholeNumber(),
  "non_neg_integer()": wholeNumber(0),
  "pos_integer()": wholeNumber(1),
  "number()": { words: "a number", fits: (value) => Number.isFinite(value) },
  "qos()": wholeNumber(0, 2),
  "duration()": DURATION,
  "duration_ms()": DURATION,
  "duration_s()": DURATION,
  "timeout_duration()": DURATION,
  "timeout_duration_ms()": DURATION,
  "timeout_duration_s()": DURATION,
  "bytesize()": SIZE,
  "wordsize()": SIZE,
  "percent()": written(/^\d{1,3}%$/, 'a percentage such as "80%"'),
  "ip_port()": written(/^[^\s:]+:\d{1,5}$/, 'an address with port such as "0.0.0.0:1883"'),
  // No line or paragraph separators, for which EMQX's files have no spelling.
  "string()": written(/^[^\p{Cc}\u2028\u2029]*$/u, "text on one line"),
};
