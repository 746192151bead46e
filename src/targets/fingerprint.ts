import { createHash } from "node:crypto";

/** Short enough for a plan to be read, and another for every other text. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
