import { assertEquals } from "@std/assert";
import { RecordReader, RecordWriter } from "../store/record.ts";
import { ChunkRefs } from "./chunk_refs.ts";

/** Refs with identifiers, as they are after a restart. */
function restored(...ids: number[]): ChunkRefs {
  const refs = new ChunkRefs();
  for (const id of ids) refs.add(id);
  const writer = new RecordWriter();
  refs.write(writer);
  const read = ChunkRefs.read(new RecordReader(writer.bytes.slice()));
  assertEquals(read.ranges, refs.ranges);
  return read;
}

Deno.test("ChunkRefs joins identifiers that follow each other", () => {
  assertEquals(restored(5, 6, 6, 7, 20).ranges, [{ first: 5, last: 7 }, { first: 20, last: 20 }]);
});

Deno.test("ChunkRefs of a row without references is empty", () => {
  assertEquals([restored().isEmpty, restored(1).isEmpty], [true, false]);
});

Deno.test("ChunkRefs has no more than 32 ranges, and still contains every identifier", () => {
  const ids = Array.from({ length: 100 }, (_, i) => 1000 + 10 * i);
  const { ranges } = restored(...ids);
  assertEquals([ranges.length, ranges.at(-1)!.last], [32, 1990]);
  const isIn = (id: number) => ranges.some(({ first, last }) => first <= id && id <= last);
  assertEquals(ids.filter((id) => !isIn(id)), []);
});

Deno.test("ChunkRefs takes an identifier of a commit that is tried again, below the last one", () => {
  assertEquals(restored(20, 15).ranges, [{ first: 15, last: 20 }]);
});
