import { Document, Scalar } from "yaml";

/**
 * YAML for programs written in Go. Two settings matter: their parser follows YAML 1.1, in which a bare `on` or `no` is a
 * truth value, so such text is quoted; and no line is ever folded, because a folded expression cannot be searched for.
 *
 * Keys keep the order in which they were written, which is the one that the programs' own documentation uses.
 */
export function toYaml(value: object, comment: string): string {
  const document = new Document(value, { version: "1.1", aliasDuplicateObjects: false });
  document.commentBefore = comment.replace(/^/gm, " ");
  return document.toString({ lineWidth: 0, directives: false });
}

/** Text that stays readable when it is long: a block of its own below the key. */
export function block(text: string): Scalar<string> {
  const scalar = new Scalar(text);
  scalar.type = Scalar.BLOCK_LITERAL;
  return scalar;
}

/** Text that must stay text whatever stands in it later: a reference whose value may be all digits. */
export function quoted(text: string): Scalar<string> {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
