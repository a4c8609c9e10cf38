import { assertEquals } from "@std/assert";
import { MemoryStore } from "../store/mod.ts";
import { CHUNK_BYTES } from "./chunk.ts";
import { ChunkCache } from "./chunk_cache.ts";
import { StoreCommits } from "./store_commits.ts";
import { StreamCursor } from "./stream_cursor.ts";
import { StreamTable } from "./stream_table.ts";

/** A log of three messages that fill a chunk each. */
async function threeChunks() {
  const store = new MemoryStore();
  const commits = new StoreCommits(store);
  const cache = new ChunkCache(store, () => 0);
  const reportError = (error: unknown) => {
    throw error;
  };
  const host = {
    store,
    commits,
    cache,
    now: () => 0,
    references: null,
    topicsMax: () => 1,
    pause: async () => {},
    aheadBytesMax: () => 0,
    reportError,
  };
  const table = await StreamTable.open(host);
  const log = table.declare("log", "", { maxMessages: 1000 });
  const input = {
    ...{ topic: new TextEncoder().encode("t"), buffer: new Uint8Array(CHUNK_BYTES) },
    ...{ propertiesStart: 0, propertiesEnd: 0, payloadStart: 0, payloadEnd: CHUNK_BYTES },
    ...{ qos: 0, retain: false, expirySeconds: -1, publisher: null, isRevoked: false },
  } as const;
  for (let i = 0; i < 3; i++) log.append(input);
  await commits.whenStored(input);
  const end = () => {
    log.end();
    return commits.close();
  };
  return { log, cache, end };
}

Deno.test("a cursor that waits holds no chunk: a thousand readers are a thousand positions", async () => {
  const { log, end } = await threeChunks();
  const cursor = new StreamCursor(log, 1, null);
  assertEquals(cursor.next(), "unloaded");
  await cursor.load();
  assertEquals([cursor.next(), cursor.record.payloadEnd > CHUNK_BYTES], ["message", true]);
  cursor.release();
  assertEquals(cursor.record.bytes.length, 0);
  await end();
});

Deno.test("a cursor whose chunk was freed meanwhile reads it again", async () => {
  const { log, cache, end } = await threeChunks();
  const [one, other] = [new StreamCursor(log, 1, null), new StreamCursor(log, 2, null)];
  assertEquals(one.next(), "unloaded");
  await one.load();
  // The other cursor makes the cache drop the first chunk, before the first cursor has read from it.
  const chunk = log.chunks.at(1);
  assertEquals(other.next(), "unloaded");
  await other.load();
  assertEquals(typeof chunk === "object" && chunk?.isFreed, true);
  assertEquals([one.next(), cache.reads], ["unloaded", 2]);
  await one.load();
  assertEquals([one.next(), one.seq, one.record.payloadEnd > CHUNK_BYTES], ["message", 1, true]);
  await end();
});
