/** A mistake of whoever runs a command: shown as its message alone. */
export class UsageError extends Error {
  public override readonly name = "UsageError";
}
