import { assert, assertEquals } from "@std/assert";
import { RecordReader, RecordWriter } from "../store/record.ts";
import { DroppedTimes } from "./dropped_times.ts";

Deno.test("DroppedTimes tells from where on messages of a time are gone", () => {
  const times = new DroppedTimes();
  assertEquals(times.find(0), null);
  times.add(1, 100);
  times.add(11, 200);
  assertEquals([99, 100, 101, 200, 201].map((ms) => times.find(ms)), [1, 1, 11, 11, null]);
});

Deno.test("DroppedTimes tells of a gap that is never too short, in little memory", () => {
  const times = new DroppedTimes();
  const CHUNKS = 100_000;
  for (let i = 0; i < CHUNKS; i++) times.add(1 + i * 10, i * 1000);
  assert(times.size < 40, `${times.size} runs`);
  for (const age of [0, 1, 7, 1000, 50_000]) {
    const exact = CHUNKS - 1 - age;
    const found = (times.find(exact * 1000)! - 1) / 10;
    assert(found <= exact && exact - found <= Math.max(1, age), `${found} for ${exact}`);
  }
  assertEquals(times.find(CHUNKS * 1000), null);
});

Deno.test("DroppedTimes comes back from a row, and a row without it has nothing", () => {
  const times = new DroppedTimes();
  for (let i = 0; i < 1000; i++) times.add(1 + i * 10, 1_795_000_000_000 + i * 7);
  const writer = new RecordWriter();
  times.write(writer);
  assert(writer.bytes.length < 300, `${writer.bytes.length} bytes`);
  const read = DroppedTimes.read(new RecordReader(writer.bytes));
  for (let i = 0; i < 1000; i += 9) {
    const timeMs = 1_795_000_000_000 + i * 7;
    assertEquals(read.find(timeMs), times.find(timeMs));
  }
  assertEquals(DroppedTimes.read(new RecordReader(new Uint8Array())).size, 0);
});
