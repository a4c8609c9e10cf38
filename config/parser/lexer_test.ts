import { assertEquals } from "@std/assert";
import { readLines } from "./lexer.ts";

function plain(text: string): [number, string, string][] {
  return readLines("a.conf", text).map(({ place, word, value }) => [place.line, word, value]);
}

Deno.test("readLines() keeps the line of every word, and leaves out comments and empty lines", () => {
  assertEquals(plain("# a\n\na b\n   \n  # c\n  d  e f  \ng"), [
    [3, "a", "b"],
    [6, "d", "e f"],
    [7, "g", ""],
  ]);
});

Deno.test("readLines() takes tabs, the line ends of Windows and a byte order mark", () => {
  assertEquals(plain("\uFEFFa\tb\r\nc d\r\n"), [[1, "a", "b"], [2, "c", "d"]]);
});

Deno.test("readLines() leaves marks within a value as they are", () => {
  assertEquals(plain('a b # c "d"'), [[1, "a", 'b # c "d"']]);
});

Deno.test("readLines() tells the file", () => {
  assertEquals(readLines("x/y.conf", "a")[0]!.place, { file: "x/y.conf", line: 1 });
});
