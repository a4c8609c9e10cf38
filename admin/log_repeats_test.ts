import { assertEquals } from "@std/assert";
import { LogRepeats, REPEAT_KINDS_MAX, REPEAT_WINDOW_MS, REPEATS_WRITTEN } from "./log_repeats.ts";

/** Repeats whose window a test ends, and what they have told. */
function watched(): { repeats: LogRepeats<string>; told: string[]; waits: (() => void)[] } {
  const told: string[] = [];
  const waits: (() => void)[] = [];
  const repeats = new LogRepeats<string>(
    (ms, call) => {
      assertEquals(ms, REPEAT_WINDOW_MS);
      waits.push(call);
      return () => void waits.splice(waits.indexOf(call), 1);
    },
    (last, times) => told.push(`${times} ${last}`),
  );
  return { repeats, told, waits };
}

Deno.test("LogRepeats has the first lines of a kind written, and tells at the end how many there were more", () => {
  const { repeats, told, waits } = watched();
  const written = ["a", "b"].map((kind) => {
    let count = 0;
    for (let i = 0; i < (kind === "a" ? 12 : REPEATS_WRITTEN); i++) {
      if (repeats.takes(kind, "others", `${kind}${i}`)) count++;
    }
    return count;
  });
  assertEquals([written, told, waits.length], [[REPEATS_WRITTEN, REPEATS_WRITTEN], [], 1]);
  waits[0]!();
  assertEquals([told, waits.length], [["7 a11"], 0]);
});

Deno.test("LogRepeats writes again in the next window, and waits for none while nothing comes", () => {
  const { repeats, told, waits } = watched();
  for (let i = 0; i < 6; i++) repeats.takes("a", "others", "a");
  waits[0]!();
  assertEquals(waits.length, 0);
  assertEquals(repeats.takes("a", "others", "a"), true);
  repeats.flush();
  assertEquals([told, waits.length], [["1 a"], 0]);
});

Deno.test("LogRepeats knows a bounded number of kinds; those beyond count as one", () => {
  const { repeats, told } = watched();
  for (let i = 0; i < REPEAT_KINDS_MAX; i++) repeats.takes(`${i}`, "others", `${i}`);
  let written = 0;
  for (let i = 0; i < 1000; i++) if (repeats.takes(`more ${i}`, "others", `m${i}`)) written++;
  for (let i = 0; i < 6; i++) repeats.takes("0", "others", "known");
  repeats.flush();
  assertEquals([written, told], [REPEATS_WRITTEN, ["2 known", `${1000 - REPEATS_WRITTEN} m999`]]);
});
