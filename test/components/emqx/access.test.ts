import { Access, Secret, type TopicRuleProps } from "../../../src";
import { emqxWorkload } from "../../../src/components/emqx/emqx";
import { fullDefinition, testPlacement } from "../../support/definitions";

function file(name: string, access: Access): string {
  const { files } = emqxWorkload(fullDefinition({ access }), testPlacement());
  return files.find(({ path }) => path.endsWith(name))?.content ?? "";
}

const users = ["sensors", "o.brien@example.com"].map((name) => ({ name, password: Secret.variable("a_password") }));
const acl = (...rules: TopicRuleProps[]) => file("acl.conf", Access.passwords({ users, rules }));

test("a rule is an Erlang term for each user, and what no rule allows is denied", () => {
  expect(
    acl(
      { users: ["sensors", "o.brien@example.com"], action: "publish", topics: ["a/+/b", "c/#"] },
      { action: "all", topics: ["own/${username}/#", "größe"] },
    ),
  ).toBe(`{allow, {username, "sensors"}, publish, ["a/+/b", "c/#"]}.
{allow, {username, "o.brien@example.com"}, publish, ["a/+/b", "c/#"]}.
{allow, all, all, ["own/\${username}/#", "größe"]}.
{deny, all}.
`);
});

test("a client id that holds + # or / is allowed nothing by a topic with the client id", () => {
  expect(acl({ users: ["sensors"], action: "publish", topics: ["s/${clientid}/#", "shared"] })).toBe(
    `{allow, {username, "sensors"}, publish, ["shared"]}.
{allow, {'and', [{username, "sensors"}, {clientid, {re, "^[^+#/]+$"}}]}, publish, ["s/\${clientid}/#"]}.
{deny, all}.
`,
  );
  expect(acl({ action: "subscribe", topics: ["s/${clientid}"] })).toContain(
    `{allow, {clientid, {re, "^[^+#/]+$"}}, subscribe, ["s/\${clientid}"]}.`,
  );
});

test("with credentials in Redis such client ids are denied before Redis is asked", () => {
  expect(file("acl.conf", Access.redis())).toBe('{deny, {clientid, {re, "[+#/]"}}, all, all}.\n');
});

test("accounts are a table with references to their passwords", () => {
  const access = Access.passwords({ users, rules: [{ action: "all", topics: ["#"] }] });
  expect(file("users.csv", access)).toBe(`user_id,password,is_superuser
sensors,<<secret:variable:a_password>>,false
o.brien@example.com,<<secret:variable:a_password>>,false
`);
});
