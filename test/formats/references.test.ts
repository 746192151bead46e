import { Secret } from "../../src";
import {
  basicAuth,
  forInstance,
  forPeer,
  INSTANCE_HOST,
  INSTANCE_NAME,
  PEER_HOST,
  PEER_NAME,
  resolveSecrets,
  secretsIn,
} from "../../src/formats/references";

const secret = Secret.variable("writer_password");
const resolver = {
  literal: (text: string) => text.toUpperCase(),
  secret: ({ source, name }: { source: string; name: string }) => `[${source} ${name}]`,
  basicAuth: (user: string, { source, name }: { source: string; name: string }) => `[${user}:${source} ${name}]`,
};

test("each reference reaches the resolver, and the text between goes through its escaping", () => {
  expect(resolveSecrets(`a ${secret} b Basic ${basicAuth("emqx", secret)} c`, resolver)).toBe(
    "A [variable writer_password] B BASIC [emqx:variable writer_password] C",
  );
});

test("names of Kubernetes secrets and files hold slashes, dots and colons", () => {
  for (const other of [Secret.kubernetes("mqtt-users", "sensors"), Secret.file("/etc/mqtt/a:b.password")]) {
    expect(resolveSecrets(`${other}`, resolver)).toBe(`[${other.source} ${other.name}]`);
    expect(resolveSecrets(basicAuth("emqx", other), resolver)).toBe(`[emqx:${other.source} ${other.name}]`);
  }
});

test("a text that almost is a reference is a literal", () => {
  for (const text of ["<<secret:variable:>>", "<<secret:vault:x>>", "<<basic-auth:variable:x>>", "1 << 2 >> 3"]) {
    expect(resolveSecrets(text, resolver)).toBe(text.toUpperCase());
    expect(secretsIn(text)).toEqual([]);
  }
});

test("a secret is listed once, however often and in whichever form it is used", () => {
  expect(secretsIn(`${basicAuth("emqx", secret)} ${secret} ${Secret.variable("other")} ${secret}`)).toEqual([
    { source: "variable", name: "writer_password" },
    { source: "variable", name: "other" },
  ]);
});

test("what refers to an instance, or to another one, is written wherever it is asked for", () => {
  const instance = { host: "$&.example.com", name: "broker-1" };
  expect(forInstance(`${INSTANCE_NAME}@${INSTANCE_HOST} ${INSTANCE_HOST} ${PEER_HOST}`, instance)).toBe(
    `broker-1@$&.example.com $&.example.com ${PEER_HOST}`,
  );
  expect(forPeer(`${PEER_NAME}@${PEER_HOST} ${PEER_HOST} ${INSTANCE_HOST}`, instance)).toBe(
    `broker-1@$&.example.com $&.example.com ${INSTANCE_HOST}`,
  );
});
