import { assertEquals } from "@std/assert";
import { saslprep } from "./saslprep.ts";

Deno.test("saslprep() maps, normalises and prohibits (RFC 4013 §3)", () => {
  const cases: [given: string, wanted: string | null][] = [
    ["I\u00adX", "IX"],
    ["user", "user"],
    ["USER", "USER"],
    ["\u00aa", "a"],
    ["\u2168", "IX"],
    ["\u0007", null],
    ["a\u00a0b", "a b"],
    ["pass word", "pass word"],
    ["\u00fc", "\u00fc"],
    ["u\u0308", "\u00fc"],
    ["", ""],
    ["\u{1f600}", "\u{1f600}"],
    ["a\u0000", null],
    ["a\u007f", null],
    ["a\u0085", null],
    ["a\u202eb", null],
    ["\ue000", null],
    ["\ufdd0", null],
    ["\ud800", null],
  ];
  for (const [given, wanted] of cases) {
    assertEquals(saslprep(given), wanted, JSON.stringify(given));
  }
});
