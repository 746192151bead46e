/** Searches texts for secrets, and says the names of those that it finds. */
export function searchFor(secrets: Readonly<Record<string, string>>): (text: string) => string[] {
  return (text) =>
    Object.entries(secrets)
      .filter(([, value]) => text.includes(value))
      .map(([name]) => name);
}
