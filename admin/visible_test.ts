import { assertEquals } from "@std/assert";
import { Line, line, quoted, visible } from "./visible.ts";

/** What may not be in a line, with a backslash in front of which nothing else stands. */
const UNSEEN: [string, number, number][] = [
  ["C0", 0x00, 0x1f],
  ["DEL and C1", 0x7f, 0x9f],
  ["separators", 0x2028, 0x2029],
  ["directions of embedding", 0x202a, 0x202e],
  ["directions of isolation", 0x2066, 0x2069],
  ["marks of direction", 0x200e, 0x200f],
  ["the Arabic mark", 0x061c, 0x061c],
  ["halves of surrogate pairs", 0xd800, 0xdfff],
];

for (const [what, first, last] of UNSEEN) {
  Deno.test(`visible() escapes ${what}`, () => {
    for (let code = first; code <= last; code++) {
      const escape = `\\u${code.toString(16).padStart(4, "0")}`;
      assertEquals(visible(`a${String.fromCharCode(code)}b`), `a${escape}b`);
    }
  });
}

Deno.test("visible() leaves alone what can be seen", () => {
  const text = "sensor/1 'a' \"b\" ä 東京 🏠 \u00a0 👨‍👩‍👧";
  assertEquals(visible(text), text);
});

Deno.test("visible() can be undone: a backslash that was there is told from an escape", () => {
  const undo = (text: string) =>
    text.replaceAll(/\\(?:u([0-9a-f]{4})|\\)/g, (_, hex) => {
      return hex === undefined ? "\\" : String.fromCharCode(parseInt(hex, 16));
    });
  for (const text of ["\n", "\\n", "\\u000a", "\\\n", "\\\\u000a\n", "C:\\new", "\u001b[2K\\"]) {
    assertEquals(undo(visible(text)), text);
  }
});

Deno.test("line`` escapes its values, and not the lines among them again", () => {
  assertEquals(line`a ${"b\nc"} ${7} ${line`d ${"\\"}`}`.text, "a b\\u000ac 7 d \\\\");
  assertEquals(Line.of("a\nb").text, "a\\u000ab");
  assertEquals(Line.of(line`${"\n"}`).text, "\\u000a");
});

Deno.test("quoted() ends where the text ends", () => {
  assertEquals(quoted('a"b').text, '"a\\"b"');
  assertEquals(quoted('\\"').text, '"\\\\\\""');
  assertEquals(quoted("").text, '""');
  for (const text of ['x" client "y', "\\", '\\"', "\n", "\u007f\u202e"]) {
    assertEquals(JSON.parse(quoted(text).text), text);
  }
});
