import { assert, assertEquals } from "@std/assert";
import { numberKey } from "../../store/record.ts";
import type { Row, Store } from "../../store/store.ts";
import { OpenChunk } from "../../stream/chunk.ts";
import { message, textOf } from "../testdata/messages.ts";
import { ReferredChunks } from "./referred_chunks.ts";

const CALENDAR = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };

/** Chunks of a stream that begin at each hundred, with messages that grow in number at each read. */
function world(payload = "x", count = 10) {
  let reads = 0;
  const scan = (_table: string, from: Uint8Array): Promise<Row[]> => {
    reads++;
    const first = new DataView(from.buffer).getUint32(12);
    const chunk = new OpenChunk(first);
    for (let i = 0; i < count; i++) chunk.append(message("t", `${first + i}${payload}`), 1);
    return Promise.resolve([
      { key: numberKey(1, first), value: chunk.bytes.slice(0, chunk.end) },
    ]);
  };
  const store = { scan } as Partial<Store> as Store;
  const chunks = new ReferredChunks({ store, calendar: CALENDAR });
  return { chunks, reads: () => reads, grow: (to: number) => count = to };
}

Deno.test("ReferredChunks reads a chunk once, and again when it has grown", async () => {
  const { chunks, reads, grow } = world();
  for (const last of [100, 109, 105]) await chunks.read(1, 100, last);
  assertEquals(reads(), 1);
  grow(20);
  const chunk = await chunks.read(1, 100, 119);
  assertEquals(reads(), 2);
  const reference = { streamId: 1, first: 100, seq: 119, expiresWallMs: 0 };
  assertEquals(textOf(chunk.find(reference)!), "119x");
});

Deno.test("ReferredChunks keeps the four chunks that were used last, and counts them", async () => {
  const { chunks, reads } = world();
  for (const first of [100, 200, 300, 400, 100, 500]) await chunks.read(1, first, first);
  assertEquals(reads(), 5);
  const { bytes } = chunks;
  assert(bytes > 0);
  for (const first of [100, 300, 400, 500]) await chunks.read(1, first, first);
  assertEquals([reads(), chunks.bytes], [5, bytes]);
  await chunks.read(1, 200, 200);
  assertEquals(reads(), 6);
});

Deno.test("ReferredChunks does not keep a chunk with a large message", async () => {
  const { chunks, reads } = world("x".repeat(200_000), 1);
  for (let i = 0; i < 2; i++) await chunks.read(1, 100, 100);
  assertEquals([reads(), chunks.bytes], [2, 0]);
});
