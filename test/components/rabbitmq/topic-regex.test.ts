import * as fc from "fast-check";
import { mqttFiltersToRegex, mqttFilterToRegex } from "../../../src/components/rabbitmq/topic-regex";

/** RabbitMQ's regular expressions are Perl's; JavaScript has another sign for the very end. */
const regex = (pattern: string) => new RegExp(pattern.replaceAll("\\z", "$"));
/** What RabbitMQ makes of a topic, or of the filter of a subscription. */
const routingKey = (topic: string) => topic.replaceAll("/", ".").replaceAll("+", "*");
const allows = (rule: string, topic: string, username = "u") =>
  regex(mqttFilterToRegex(rule, username)).test(routingKey(topic));

/** MQTT 3.1.1, section 4.7. */
function matches(filter: string, topic: string): boolean {
  const walk = (f: string[], t: string[]): boolean =>
    f[0] === "#" ||
    (f.length === 0 ? t.length === 0 : t.length > 0 && (f[0] === "+" || f[0] === t[0]) && walk(f.slice(1), t.slice(1)));
  return !(/^[+#]/.test(filter) && topic.startsWith("$")) && walk(filter.split("/"), topic.split("/"));
}

const level = fc.constantFrom("a", "b", "", "a-b", "x y", "$a", "(a|b)", "[a", "a?", "é", "a\\d");
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open || levels.length === 0 ? ["#"] : [])].join("/"));

test("allows to publish exactly what the filter matches", () => {
  fc.assert(
    fc.property(filter, topic, (rule, published) => allows(rule, published) === matches(rule, published)),
    {
      numRuns: 2000,
    },
  );
});

test("allows no subscription that reaches beyond the filter", () => {
  fc.assert(
    fc.property(filter, filter, topic, (rule, subscription, published) => {
      fc.pre(allows(rule, subscription) && matches(subscription, published));
      return matches(rule, published);
    }),
    { numRuns: 2000 },
  );
});

test("allows to subscribe to the filter itself", () => {
  fc.assert(fc.property(filter, (rule) => allows(rule, rule)));
});

test.each([
  ["a/+", "a/#", false],
  ["a/+", "a/+", true],
  ["a/b", "a/+", false],
  ["a/#", "a", true],
  ["a/#", "ab", false],
  ["a", "a\n", false],
  ["#", "$SYS/x", false],
])("%s and %s: %s", (rule, asked, expected) => {
  expect(allows(rule, asked)).toBe(expected);
});

test("the user's name is text, not a pattern", () => {
  expect(mqttFilterToRegex("s/${username}/#", "a.b")).toBe("^s\\.a\\.b(?:\\.|\\z)");
  expect(allows("s/${username}", "s/axb", "a.b")).toBe(false);
});

test("the client's id is left to RabbitMQ", () => {
  expect(mqttFilterToRegex("s/dev-${clientid}/+", "u")).toBe("^s\\.dev-{client_id}\\.[^.#]*\\z");
});

test("no filter allows nothing, several allow what one of them allows", () => {
  expect(regex(mqttFiltersToRegex([], "u")).test("")).toBe(false);
  const some = regex(mqttFiltersToRegex(["a/b", "c/#"], "u"));
  expect(["a.b", "c", "c.d", "a.b.c", "x.a.b"].map((key) => some.test(key))).toEqual([true, true, true, false, false]);
});
