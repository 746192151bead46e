/** Building blocks of the definition's schemas. Every message says what is allowed and, where it is not obvious, why. */
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import { Secret } from "./secret";

/** Not a list, a date, a construct, or anything else that is an object to JavaScript. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Keys that valibot leaves out without a word. */
const PROTOTYPE_KEYS = ["__proto__", "constructor", "prototype"];

function plainObject(message: string) {
  return v.custom<Record<string, unknown>>(
    (value) => isPlainObject(value) && !PROTOTYPE_KEYS.some((key) => Object.hasOwn(value, key)),
    message,
  );
}

type Options<E extends v.ObjectEntries> = v.GenericSchema<
  v.InferInput<v.StrictObjectSchema<E, undefined>>,
  v.InferOutput<v.StrictObjectSchema<E, undefined>>
>;

/** An object of which every key is known: a misspelt option must not be dropped in silence. */
export function options<E extends v.ObjectEntries>(entries: E): Options<E> {
  const known = Object.keys(entries);
  const missing = Object.fromEntries(known.map((key) => [key, undefined]));
  return v.pipe(
    plainObject(known.length > 0 ? `must be an object with ${known.join(", ")}` : "takes no options"),
    // So that what is missing is told what it should be.
    v.transform((given) => ({ ...missing, ...given })),
    // Not strictObject, which stops at the first unknown key.
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      for (const [key, value] of Object.entries(isPlainObject(input) ? input : {})) {
        if (!known.includes(key)) {
          const message = `unknown option; allowed here: ${known.join(", ")}${didYouMean(key, known)}`;
          addIssue({ message, input: value, path: [{ type: "object", origin: "key", input, key, value }] });
        }
      }
    }),
  ) as never;
}

/** Values by a name that is free, or one of those that `key` allows. */
export function mapOf<K extends v.GenericSchema<string, string>, V extends v.GenericSchema>(
  key: K,
  value: V,
  message: string,
): v.GenericSchema<Record<string, v.InferInput<V>>, { [name: string]: v.InferOutput<V> }> {
  return v.pipe(plainObject(message), v.record(key, value)) as never;
}

/** The props of a construct: their values are checked one by one. */
export function props(...known: string[]) {
  return options(Object.fromEntries(known.map((key) => [key, v.any()])));
}

export function didYouMean(given: string, known: readonly string[]): string {
  if (known.length === 0) {
    return "";
  }
  const nearest = closest(given, known);
  return distance(given.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, given.length / 3)
    ? `. Did you mean ${nearest}?`
    : "";
}

export function number(min: number, max: number) {
  const message = `must be a number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.minValue(min, message), v.maxValue(max, message));
}

export function integer(min: number, max: number, unit = "") {
  const message = `must be a whole number from ${min} to ${max}${unit && ` ${unit}`}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

export const port = integer(1, 65535);

export const flag = v.boolean("must be true or false");

export function oneOf<const T extends readonly (string | number)[]>(allowed: T, why = "") {
  return v.picklist(allowed, `must be one of ${allowed.map((a) => JSON.stringify(a)).join(", ")}${why && `: ${why}`}`);
}

/** Text that is safe in every configuration language that it is written into. */
export function pattern(regex: RegExp, description: string) {
  return v.pipe(v.string(`must be text: ${description}`), v.regex(regex, `must be ${description}`));
}

/** Name of a cluster or a container: also a DNS label and an Erlang atom. */
export const name = pattern(
  /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/,
  'lower-case letters, digits and "-", beginning with a letter, at most 30 characters: "dev-mqtt"',
);

export const version = pattern(
  /^(?:0|[1-9]\d{0,4})\.(?:0|[1-9]\d{0,4})(?:\.(?:0|[1-9]\d{0,4}))?$/,
  'a version number such as "5.8.9"',
);

/** The last label holds a letter, or it is an IPv4 address. */
export const hostName = pattern(
  /^(?=.{1,253}$)(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*(?=[A-Za-z0-9-]*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?|(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4})$/,
  'a host name or an IPv4 address without port or scheme: "broker-1.example.com"',
);

export const ipv4 = v.pipe(
  v.string('must be an IPv4 address: "127.0.0.1"'),
  v.ipv4('must be an IPv4 address: "127.0.0.1"'),
);

/** So that addresses can be reckoned with. */
export function ipv4Number(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export const userName = pattern(
  /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/,
  'letters, digits and "._@-" inside, at most 64 characters: it is written into several configuration languages',
);

/** Name of a label of Kubernetes, with or without a domain in front, that a value stands under. */
export const kubernetesLabel = v.pipe(
  v.string(),
  v.regex(
    /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'stands under what is no name of a label: letters, digits and "._-" inside, at most 63 characters: "release", "example.com/team"',
  ),
);

export const kubernetesLabelValue = pattern(
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
  'a value of a Kubernetes label: letters, digits and "._-" inside, at most 63 characters: "kube-prometheus-stack"',
);

/** `image:tag`, optionally with a registry in front and a digest behind. An image that can change under its name is refused. */
export const image = v.pipe(
  pattern(
    /^(?:[a-z0-9]+(?:[.-]+[a-z0-9]+)*:\d{1,5}\/)?[a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'an image reference: "haproxy:3.2.22-alpine" or "haproxy:3.2.22-alpine@sha256:…"',
  ),
  v.check(
    (text) => /@sha256:|:[^/:]+$/.test(text) && !/:latest$/.test(text),
    'must carry a fixed tag or a digest; without one (or with "latest") the next pull may bring another program',
  ),
);

/** Also marks the values that an error must not show: what stands where a secret belongs may be the secret itself. */
export const NOT_A_SECRET =
  'must be a Secret, for instance Secret.variable("sensors_password"): a definition holds the name of a secret, never its value';

/** https://developer.hashicorp.com/terraform/language/values/variables#declaring-an-input-variable */
const RESERVED_VARIABLES = ["source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"];

export const secret = v.pipe(
  v.custom<Secret>((value) => value instanceof Secret, NOT_A_SECRET),
  v.check(
    ({ source, name }) => typeof name === "string" && (source !== "variable" || /^[A-Za-z]\w{0,127}$/.test(name)),
    'the name of a secret variable must be letters, digits and underscores, beginning with a letter: "sensors_password"; ' +
      "give the secret's name here, and its value to Terraform",
  ),
  v.check(
    ({ source, name }) => source !== "variable" || !RESERVED_VARIABLES.includes(name),
    `the name of a secret variable must not be one that Terraform keeps for itself: ${RESERVED_VARIABLES.join(", ")}`,
  ),
  v.check(
    ({ source, name }) => source !== "file" || /^\/[^\s"'<>\\]+$/.test(name),
    'the path of a secret must be absolute: "/etc/mqtt/sensors.password"',
  ),
  v.check(
    ({ source, name }) =>
      source !== "kubernetes" ||
      /^(?=[^/]{1,253}\/)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9._-]{1,253}$/.test(name),
    'a Kubernetes secret has a name of lower-case letters, digits, "-" and ".", and a key of letters, digits, "-", "_" and ".": ' +
      'Secret.kubernetes("mqtt-users", "sensors")',
  ),
);

const DURATION_UNITS = { s: 1, m: 60, h: 3600, d: 86400 } as const;

/** "30s", "5m", "24h", "7d": becomes seconds. */
export function duration(min: string, max: string) {
  const message = `must be a duration from ${min} to ${max}, written as a whole number and s, m, h or d: "90s", "5m", "24h"`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d+[smhd]$/, message),
    v.transform(seconds),
    v.minValue(seconds(min), message),
    v.maxValue(seconds(max), message),
  );
}

export function seconds(text: string): number {
  return Number.parseInt(text, 10) * DURATION_UNITS[text.at(-1) as keyof typeof DURATION_UNITS];
}

const SIZE_UNITS = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/** "64KB", "256MB", "2GB" (powers of 1024, as EMQX, Redis and Docker count): becomes bytes. */
export function size(min: string, max: string) {
  const message = `must be a size from ${min} to ${max}, written as a whole number and KB, MB or GB, not Gi: "${min}"`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d+(?:B|KB|MB|GB)$/, message),
    v.transform(bytes),
    v.minValue(bytes(min), message),
    v.maxValue(bytes(max), message),
  );
}

export function bytes(text: string): number {
  return Number.parseInt(text, 10) * SIZE_UNITS[text.replace(/^\d+/, "") as keyof typeof SIZE_UNITS];
}
