/** Whoever believes any host key says so with this word. */
export const UNCHECKED = "unchecked";

/** One end of a connection: where it is, and its public keys, one a line. */
export interface KnownHost {
  readonly address: string;
  readonly port: number;
  readonly keys: string;
}

/**
 * Terraform's option `host_key`: it writes `@cert-authority <host>:<port> <option>` into a file of known hosts, so that
 * further lines may follow. They are needed, because a host offers the key of one type only, and Terraform does not ask for
 * the type that it was given, but for ECDSA first, then RSA, then ED25519.
 *
 * Terraform (1.11) ignores `bastion_host_key` and checks the bastion against the same option, in whose first line it writes
 * the bastion's name instead. So behind a bastion the first key is one that no server can offer: a key of this host, in the
 * form of a security key's. Both hosts follow under their own names.
 */
export function hostKeyOption(host: KnownHost, bastion?: KnownHost): string {
  const [first, ...others] = linesOf(host.keys);
  if (!bastion) {
    return [first, ...others.map((key) => line(host, key))].join("\n");
  }
  const decoy = asSecurityKey([...linesOf(host.keys), ...linesOf(bastion.keys)]);
  return [
    decoy,
    ...linesOf(host.keys).map((key) => line(host, key)),
    ...linesOf(bastion.keys).map((key) => line(bastion, key)),
  ].join("\n");
}

/** Whether there is a key that has a form for security keys. */
export function canHaveBastion(...keys: readonly string[]): boolean {
  return asSecurityKey(keys.flatMap(linesOf)) !== undefined;
}

const SECURITY_KEYS: Readonly<Record<string, string>> = {
  "ssh-ed25519": "sk-ssh-ed25519@openssh.com",
  "ecdsa-sha2-nistp256": "sk-ecdsa-sha2-nistp256@openssh.com",
};

/** The same fields behind another type, and the application. https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.u2f */
function asSecurityKey(keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const [type, data] = key.split(" ");
    const securityType = SECURITY_KEYS[type];
    if (securityType) {
      const fields = Buffer.from(data, "base64").subarray(4 + type.length);
      const encoded = Buffer.concat([field(securityType), fields, field("ssh:")]);
      return `${securityType} ${encoded.toString("base64")}`;
    }
  }
  return undefined;
}

function field(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

function line({ address, port }: KnownHost, key: string): string {
  return `@cert-authority ${address}:${port} ${key}`;
}

function linesOf(keys: string): string[] {
  return keys.trim().split("\n");
}
