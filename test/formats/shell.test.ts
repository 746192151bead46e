import fc from "fast-check";
import { shellCommand, shellWord } from "../../src/formats/shell";
import { describeWithPrograms, run } from "../support/programs";

test("plain words stay readable, the rest is quoted", () => {
  expect(shellCommand(["haproxy", "-c", "/etc/a_b.cfg", "a=1,2:3@4+5%"])).toBe("haproxy -c /etc/a_b.cfg a=1,2:3@4+5%");
  expect(shellCommand(["it's", "", "$HOME", "~", "a b"])).toBe(`'it'\\''s' '' '$HOME' '~' 'a b'`);
});

/** Everything that means something to a shell, and a little that does not. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."'\"\\`$(){}[]*?!#~&;|<> \t\n\r=%-a1é€😀\u0001\u007f\u0081\u0088",
        "$(id)",
        "${HOME}",
        "\\n",
        "--",
        "END",
      ),
      fc.string({ unit: "grapheme" }).map((any) => any.replaceAll("\0", "")),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

describe.each(["dash", "bash"])("%s", (shell) => {
  describeWithPrograms([shell], "reads words as they were", () => {
    test("arguments, assignments and what follows another word", () => {
      fc.assert(
        fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), (words) => {
          const script = `printf '%s\\0' ${shellCommand(words)}\nname=${shellWord(words[0])}\nprintf '%s\\0' "$name" before${shellWord(words[0])}`;
          const expected = [...words, words[0], `before${words[0]}`].map((word) => `${word}\0`).join("");
          expect(run(shell, ["-c", script])).toEqual({ status: 0, output: expected });
        }),
        { seed: 7, numRuns: 60 },
      );
    });
  });
});
