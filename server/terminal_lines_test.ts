import { assertEquals } from "@std/assert";
import { REPEATS_WRITTEN } from "../admin/log_repeats.ts";
import { Line, line } from "../admin/visible.ts";
import { TerminalLines } from "./terminal_lines.ts";

Deno.test("TerminalLines prints the first lines of a kind, and then how many came more", () => {
  const printed: string[] = [];
  const to = (name: string) => (text: string | Line) =>
    void printed.push(`${name} ${Line.of(text).text}`);
  const lines = new TerminalLines(() => () => {}, to("out"), to("err"));
  for (let i = 0; i < REPEATS_WRITTEN + 3; i++) {
    lines.say("a", line`a ${i}`);
    lines.complain("b", `b ${i}`);
  }
  lines.say("another", "another");
  const first = Array.from({ length: REPEATS_WRITTEN }, (_, i) => [`out a ${i}`, `err b ${i}`]);
  assertEquals(printed.splice(0), [...first.flat(), "out another"]);
  lines.flush();
  const last = REPEATS_WRITTEN + 2;
  assertEquals(printed, [
    `out Repeated 3 times in 10 s: a ${last}`,
    `err Repeated 3 times in 10 s: b ${last}`,
  ]);
});
