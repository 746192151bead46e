/**
 * Rendered text is plain text with two kinds of references in it, which only a target can resolve:
 *
 *   <<secret:variable:node_cookie>>      the value of a secret (`${secret}` in a template literal writes it)
 *   <<basic-auth:USER:variable:NAME>>    base64 of `USER:value`, as HTTP Basic authentication sends it
 *   <<instance:host>> <<instance:name>>  a fact about the instance that runs the program
 *   <<peer:host>> <<peer:name>>          a fact about another instance, which a command is about
 *
 * Renderers therefore stay pure functions to text, and a snapshot shows the name where a value will be. A definition
 * cannot forge a reference: `<<` is refused in every string of it.
 */
import type { Secret, SecretSource } from "../definition/secret";

/** The host name of the instance: may stand in arguments and environment, not in files, which all instances share. */
export const INSTANCE_HOST = "<<instance:host>>";
/** The name of the instance: `broker-1`. May stand where INSTANCE_HOST may. */
export const INSTANCE_NAME = "<<instance:name>>";
/** The host name of the instance that a command of `Membership` or `Pool` is about. */
export const PEER_HOST = "<<peer:host>>";
/** The name of that instance: `broker-1`. */
export const PEER_NAME = "<<peer:name>>";

export interface SecretReference {
  readonly source: SecretSource;
  readonly name: string;
}

export interface Resolver {
  /** Called with the text between references; the place for a target's escaping. */
  literal(text: string): string;
  secret(reference: SecretReference): string;
  /** Base64 of `user:value`. */
  basicAuth(user: string, reference: SecretReference): string;
}

/** Credentials of HTTP Basic authentication, for programs that want the header and not user and password. */
export function basicAuth(user: string, secret: Secret): string {
  return `<<basic-auth:${user}:${secret.source}:${secret.name}>>`;
}

const REFERENCE = /<<(?:secret|basic-auth:([^:<>]+)):(variable|kubernetes|file):([^<>]+)>>/;

/** Text with every secret reference resolved, and everything else passed through `literal`. */
export function resolveSecrets(text: string, resolver: Resolver): string {
  return text
    .split(new RegExp(`(${REFERENCE.source.replace(/\((?!\?)/g, "(?:")})`))
    .map((part) => {
      const match = REFERENCE.exec(part);
      if (!match) {
        return resolver.literal(part);
      }
      const [user, reference] = parse(match);
      return user === undefined ? resolver.secret(reference) : resolver.basicAuth(user, reference);
    })
    .join("");
}

/** The secrets that a text refers to, each once, in order of appearance. */
export function secretsIn(text: string): SecretReference[] {
  const found = new Map<string, SecretReference>();
  for (const match of text.matchAll(new RegExp(REFERENCE.source, "g"))) {
    const [, reference] = parse(match);
    found.set(`${reference.source}:${reference.name}`, reference);
  }
  return [...found.values()];
}

function parse([, user, source, name]: RegExpMatchArray): [string | undefined, SecretReference] {
  return [user, { source: source as SecretSource, name }];
}

/** What an instance is known by. */
interface Named {
  readonly host: string;
  readonly name: string;
}

/** Text for one instance: its references to the instance replaced. */
export function forInstance(text: string, instance: Named): string {
  return text.replaceAll(INSTANCE_HOST, () => instance.host).replaceAll(INSTANCE_NAME, () => instance.name);
}

/** Text about another instance: its references to the peer replaced. */
export function forPeer(text: string, peer: Named): string {
  return text.replaceAll(PEER_HOST, () => peer.host).replaceAll(PEER_NAME, () => peer.name);
}
