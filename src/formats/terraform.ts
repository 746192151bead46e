/**
 * Every string in Terraform's JSON is a template: `${` and `%{` in a configuration file would be evaluated. cdktf escapes
 * neither, and its `Fn.rawString()` forgets `%{`, which HAProxy's log formats are full of.
 *
 * This is the one place where literal text is made safe; references to Terraform's values are added after it.
 */
export function escapeTemplate(literal: string): string {
  return literal.replace(/([$%])\{/g, "$1$1{");
}
