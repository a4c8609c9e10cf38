import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Batch, MemoryStore } from "../store/mod.ts";
import { numberKey } from "../store/record.ts";
import { OpenChunk, StoredChunk } from "./chunk.ts";
import { ChunkCache } from "./chunk_cache.ts";

/** The records of a chunk of one message with a payload of 1000 bytes. */
function rowOf(first: number): Uint8Array<ArrayBuffer> {
  const chunk = new OpenChunk(first);
  chunk.append({
    ...{ topic: new TextEncoder().encode("t"), buffer: new Uint8Array(1000).fill(first) },
    ...{ propertiesStart: 0, propertiesEnd: 0, payloadStart: 0, payloadEnd: 1000 },
    ...{ qos: 0, retain: false, expirySeconds: -1, publisher: null, isRevoked: false },
  }, 0);
  return new Uint8Array(chunk.bytes.subarray(0, chunk.end));
}

/** Memory of such a chunk when it is decoded. */
const WEIGHT = new StoredChunk(1, rowOf(1)).weight;

/** A cache with room for so many chunks, over a store that has those with first sequences 1 to 4. */
async function cacheOf(room: number, damaged?: number) {
  const store = new MemoryStore();
  const batch = new Batch();
  for (const first of [1, 2, 3, 4]) {
    const row = rowOf(first);
    batch.put("stream_chunks", numberKey(7, first), first === damaged ? row.subarray(0, 9) : row);
  }
  await store.commit(batch);
  return { store, cache: new ChunkCache(store, () => room * WEIGHT) };
}

/** The last byte of a chunk: that of its payload. */
function payloadOf(chunk: Pick<StoredChunk, "bytes"> | null): number | undefined {
  return chunk?.bytes.at(-1);
}

Deno.test("a chunk that leaves the cache is freed at once, and is read again", async () => {
  const { cache } = await cacheOf(1);
  const one = await cache.load(7, 1);
  const two = await cache.load(7, 2);
  assert(one!.isFreed && one!.bytes.byteLength === 0 && !two!.isFreed);
  assertEquals([cache.get(7, 1), cache.bytes], [undefined, WEIGHT]);
  const again = await cache.load(7, 1);
  assertEquals([payloadOf(again), again!.isFreed, cache.reads], [1, false, 3]);
});

Deno.test("a chunk that somebody holds is not freed when it leaves the cache", async () => {
  const { cache } = await cacheOf(1);
  const held = await cache.hold(7, 1);
  await cache.load(7, 2);
  assertEquals([cache.get(7, 1), payloadOf(held), held!.isFreed], [undefined, 1, false]);
});

Deno.test("a chunk that has left the cache before its reader gets it is read again", async () => {
  const { cache } = await cacheOf(1);
  // Both wait for one read. The first of them makes the cache drop the chunk.
  const dropped = cache.load(7, 1).then((chunk) => {
    cache.add(7, new StoredChunk(9, rowOf(9)));
    return chunk;
  });
  const held = cache.hold(7, 1);
  assert((await dropped)!.isFreed);
  assertEquals([payloadOf(await held), (await held)!.isFreed], [1, false]);
});

Deno.test("a row that is a part of a larger buffer does not free that buffer", async () => {
  const buffer = new ArrayBuffer(2 * rowOf(1).length);
  const get = () => {
    const row = new Uint8Array(buffer, 0, rowOf(1).length);
    row.set(rowOf(1));
    return Promise.resolve([row]);
  };
  const { store } = await cacheOf(1);
  const cache = new ChunkCache(Object.assign(store, { get }), () => WEIGHT);
  await cache.load(7, 1);
  cache.add(7, new StoredChunk(9, rowOf(9)));
  assertEquals([cache.get(7, 1), buffer.detached], [undefined, false]);
});

Deno.test("chunks that are read ahead come with one read, and are decoded when they are wanted", async () => {
  const { cache } = await cacheOf(40);
  const { length: bytes } = rowOf(1);
  const ahead = [2, 3, 4].map((first) => ({ first, bytes }));
  await cache.load(7, 1, ahead);
  // An undecoded chunk has no list of where its records begin.
  assertEquals([cache.reads, cache.bytes], [1, WEIGHT + 3 * bytes]);
  assertEquals([2, 3, 4].map((first) => payloadOf(cache.get(7, first)!)), [2, 3, 4]);
  assertEquals([cache.reads, cache.bytes], [1, 4 * WEIGHT]);
  assertStrictEquals(await cache.load(7, 3), cache.get(7, 3));
});

Deno.test("a damaged chunk is none, also if it was read ahead", async () => {
  const { cache } = await cacheOf(40, 2);
  await cache.load(7, 1, [{ first: 2, bytes: 9 }]);
  assertEquals([cache.get(7, 2), cache.bytes], [undefined, WEIGHT]);
  assertEquals(await cache.load(7, 2), null);
});

Deno.test("what is read ahead has an eighth of the cache, shared by those that read", async () => {
  const { length: bytes } = rowOf(1);
  const ahead = [2, 3, 4].map((first) => ({ first, bytes }));
  const alone = (await cacheOf(16)).cache;
  await alone.load(7, 1, ahead);
  assertEquals([2, 3, 4].map((first) => alone.get(7, first) !== undefined), [true, true, false]);
  const shared = (await cacheOf(16)).cache;
  await Promise.all([shared.load(7, 4), shared.load(7, 1, ahead)]);
  assertEquals([2, 3].map((first) => shared.get(7, first) !== undefined), [true, false]);
});
