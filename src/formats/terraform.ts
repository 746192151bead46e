/**
 * Every string in Terraform's JSON is a template: `${` and `%{` in a configuration file would be evaluated. cdktf escapes
 * neither, and its `Fn.rawString()` forgets `%{`, which HAProxy's log formats are full of.
 *
 * This is the one place where literal text is made safe. References to Terraform's values are added after it, or stand in the
 * text as cdktf's tokens already, which no definition can hold.
 */
export function escapeTemplate(literal: string): string {
  return literal.replace(/([$%])\{(?!TfToken\[)/g, "$1$1{");
}
