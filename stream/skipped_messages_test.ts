import { assertEquals } from "@std/assert";
import { RecordReader, RecordWriter } from "../store/record.ts";
import { SKIPPED_RUNS_MAX, SkippedMessages } from "./skipped_messages.ts";

function within(skipped: SkippedMessages, from: number, to: number): [number, number][] {
  const runs: [number, number][] = [];
  skipped.within(from, to, (a, b) => runs.push([a, b]));
  return runs;
}

Deno.test("SkippedMessages tells which sequences of a range have no message", () => {
  const skipped = new SkippedMessages();
  for (const seq of [3, 4, 5, 9]) skipped.add(seq, 1);
  assertEquals(within(skipped, 1, 10), [[3, 5], [9, 9]]);
  assertEquals(within(skipped, 4, 9), [[4, 5], [9, 9]]);
  assertEquals(within(skipped, 6, 8), []);
  skipped.add(20, 6);
  assertEquals(within(skipped, 1, 20), [[9, 9], [20, 20]]);
});

Deno.test("SkippedMessages has a limited number of runs: beyond it a gap is told too long", () => {
  const skipped = new SkippedMessages();
  for (let i = 1; i <= SKIPPED_RUNS_MAX + 1; i++) skipped.add(i * 10, 1);
  assertEquals(skipped.size, SKIPPED_RUNS_MAX);
  assertEquals(within(skipped, 1, 39), [[10, 20], [30, 30]]);
});

Deno.test("SkippedMessages comes back from a row, and a row without it has nothing", () => {
  const skipped = new SkippedMessages();
  for (const seq of [3, 4, 1_000_000]) skipped.add(seq, 1);
  const writer = new RecordWriter();
  skipped.write(writer);
  const read = SkippedMessages.read(new RecordReader(writer.bytes));
  assertEquals(within(read, 0, Infinity), [[3, 4], [1_000_000, 1_000_000]]);
  assertEquals(SkippedMessages.read(new RecordReader(new Uint8Array(0))).size, 0);
});
