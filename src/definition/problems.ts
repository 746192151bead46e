import * as v from "valibot";
import { Secret } from "./secret";
import { isPlainObject, NOT_A_SECRET } from "./values";

/** One thing that is wrong with a definition. */
export interface Problem {
  /** Where: `broker.listeners.tcp.port`. */
  readonly path: string;
  /** The value given, as shown to the user. */
  readonly value: string;
  /** What is allowed and how to mend it. */
  readonly message: string;
}

/**
 * Thrown by `MqttCluster` (and the components that can be used alone) before any resource exists. Its message lists every
 * problem of the definition, each with path, value, what is allowed and how to mend it.
 *
 * Not exported, because jsii has no way to export an error: tell it by its name, "InvalidDefinitionError".
 */
export class InvalidDefinitionError extends Error {
  /** The same problems, one line each, for programs. */
  public readonly problems!: string[];

  /** @internal */
  public constructor(subject: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, value, message }) => `${path} = ${value}: ${message}`);
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    super(`${subject} has ${count}:\n${lines.map((line) => `  - ${line}`).join("\n")}`);
    this.name = "InvalidDefinitionError";
    // The mistake is in the definition: where in this package it was noticed helps nobody.
    this.stack = `${this.name}: ${this.message}`;
    // Not enumerable: Node shows what is, and would list everything a second time.
    Object.defineProperty(this, "problems", { value: lines, enumerable: false });
  }
}

/** A checked value of which anything may be missing: what was wrong is undefined, at every depth. */
export type Sound<T> = T extends Secret | string | number | boolean | undefined
  ? T
  : T extends readonly (infer I)[]
    ? readonly (Sound<I> | undefined)[]
    : { readonly [K in keyof T]: K extends "kind" ? T[K] : Sound<T[K]> | undefined };

/** A schema's verdict on one part of the definition. */
export interface Checked<T> {
  /** There when nothing is wrong. */
  readonly output?: T;
  /** What is right, so that the checks across parts can say their problems in the same error. */
  readonly sound?: Sound<T>;
  readonly problems: readonly Problem[];
}

/** Checks a value and reports each wrong place once, under its path. */
export function check<S extends v.GenericSchema>(schema: S, value: unknown, path: string): Checked<v.InferOutput<S>> {
  const result = v.safeParse(schema, value);
  const wrong = new Map(forbidden(value, []).map(({ keys, ...found }) => [pathOf(path, keys), { keys, ...found }]));
  for (const issue of result.issues ?? []) {
    const keys = (issue.path ?? []).map(({ key }) => key as Key);
    const issuePath = pathOf(path, keys);
    const earlier = wrong.get(issuePath);
    // "Write it out" would be bad advice for a secret.
    if (!earlier || (issue.message === NOT_A_SECRET && earlier.message !== NOT_A_SECRET)) {
      wrong.set(issuePath, { keys, value: showIssue(issue, value), message: issue.message });
    }
  }
  const problems = [...wrong].map(([where, { value, message }]) => ({ path: where, value, message }));
  return problems.length === 0
    ? { output: result.output as v.InferOutput<S>, sound: result.output as Sound<v.InferOutput<S>>, problems }
    : { sound: without(result.output, [...wrong.values()]) as Sound<v.InferOutput<S>> | undefined, problems };
}

export function refuseProblems(subject: string, problems: readonly Problem[]): void {
  if (problems.length > 0) {
    throw new InvalidDefinitionError(subject, problems);
  }
}

export function problem(path: string, value: unknown, message: string): Problem {
  return { path, value: show(value), message };
}

/** All of them, in this order; what an earlier check says of a place, later ones need not say again. */
export function joinProblems(...lists: readonly (readonly Problem[])[]): Problem[] {
  return lists.flatMap((list, index) => {
    const said = new Set(lists.slice(0, index).flatMap((earlier) => earlier.map(({ path }) => path)));
    return list.filter(({ path }) => !said.has(path));
  });
}

type Key = string | number;

function pathOf(path: string, keys: readonly Key[]): string {
  const steps = keys.map((key) =>
    typeof key === "number" ? `[${key}]` : /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  );
  return (path + steps.join("")).replace(/^\./, "") || "props";
}

/** The output of a failed check is whole, with what was given where something is wrong. */
function without(output: unknown, wrong: readonly { readonly keys: readonly Key[] }[]): unknown {
  for (const { keys } of wrong) {
    if (keys.length === 0) {
      return undefined;
    }
    let holder = output as Record<Key, never> | undefined;
    for (const key of keys.slice(0, -1)) {
      holder = holder?.[key];
    }
    if (holder && typeof holder === "object") {
      holder[keys[keys.length - 1]] = undefined as never;
    }
  }
  return output;
}

const LATER = "(a value known only to Terraform)";

/**
 * `<<` marks references in rendered text, and values that only Terraform will know cannot be checked or written into a
 * file's structure: neither may stand anywhere in a definition.
 */
function forbidden(
  value: unknown,
  keys: readonly Key[],
): { readonly keys: readonly Key[]; readonly value: string; readonly message: string }[] {
  const isLater =
    (typeof value === "string" && value.includes("TfToken[")) ||
    (typeof value === "number" && value < -1e290) ||
    (typeof value === "object" && typeof (value as { resolve?: unknown } | null)?.resolve === "function");
  if (isLater) {
    const message =
      typeof value === "number"
        ? "must be known when the plan is made: the number decides which resources there are"
        : "must be known when the plan is made: write it out, or take it from the environment";
    return [{ keys, value: LATER, message }];
  }
  if (typeof value === "string") {
    return value.includes("<<") ? [{ keys, value: show(value), message: 'must not contain "<<"' }] : [];
  }
  // No definition is that deep, unless it holds itself.
  if (keys.length > 8) {
    return [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((inner, index) => forbidden(inner, [...keys, index]));
  }
  return isPlainObject(value) ? Object.entries(value).flatMap(([key, inner]) => forbidden(inner, [...keys, key])) : [];
}

export const NOT_SHOWN = "(not shown)";

function showIssue({ path, message, type }: v.BaseIssue<unknown>, whole: unknown): string {
  // As it was given: the issue's own input may be seconds or bytes already.
  const given = path ? path[path.length - 1].value : whole;
  const maySecret =
    // What stands where a secret belongs may be the secret itself, and so may the name of one that is no name.
    (message === NOT_A_SECRET && given !== undefined) ||
    given instanceof Secret ||
    // Text under an unknown option, or for all options at once.
    (["raw_check", "custom"].includes(type) && typeof given === "string");
  return maySecret ? NOT_SHOWN : show(given);
}

/** Of lists and objects only the outline: there may be secrets in them. */
function show(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "(missing)";
    case "string":
      return showText(value);
    case "function":
      return `(the function ${value.name || "without a name"})`;
    case "object":
      return value === null ? "null" : showObject(value);
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

function showText(text: string): string {
  // `https://user:password@host`, `https://token@host`: an image's digest is no password.
  const open = text
    .replace(/:(?!\/\/).*@(?!sha256:)/s, `:${NOT_SHOWN}@`)
    .replace(/(https?:\/\/)[^:]*@/, `$1${NOT_SHOWN}@`);
  const shown = JSON.stringify(open);
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}

function showObject(value: object): string {
  if (value instanceof Secret) {
    return JSON.stringify(`Secret ${value.name}`);
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? "[]" : `(a list of ${value.length})`;
  }
  if (!isPlainObject(value)) {
    return `(an instance of ${value.constructor?.name ?? "a class"})`;
  }
  const keys = Object.keys(value).join(", ");
  return keys === "" ? "{}" : `(an object with ${keys.length > 60 ? `${keys.slice(0, 57)}...` : keys})`;
}
