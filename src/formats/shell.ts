/** A word of a POSIX shell that means exactly this text. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : quotedShellWord(text);
}

/** The same, with quotes even where they are not needed. */
export function quotedShellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same, with what the shell itself knows in place of a reference: `"$host"`. */
export function shellWordWith(text: string, reference: string, known: string): string {
  return text.includes(reference)
    ? text
        .split(reference)
        .map((part) => (part === "" ? "" : shellWord(part)))
        .join(known)
    : shellWord(text);
}

export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
