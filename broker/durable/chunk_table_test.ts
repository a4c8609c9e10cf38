import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message } from "../testdata/messages.ts";
import { CHUNK_BYTES } from "./message_chunk.ts";

Deno.test("ChunkTable.keep() stores a message once", () => {
  const { journal, host } = new JournalWorld();
  const one = message("t", "x");
  const place = journal.chunks.keep(one);
  assertStrictEquals(journal.chunks.keep(one), place);
  assertEquals(host.stored, 1);
});

Deno.test("ChunkTable.keep() stores a message again after its publisher was refused", () => {
  const { journal } = new JournalWorld();
  const one = message("t", "x");
  const place = journal.chunks.keep(one);
  place.isRevoked = true;
  const again = journal.chunks.keep(one);
  assertEquals([again.isRevoked, again.index], [false, 1]);
});

Deno.test("ChunkTable puts the messages of a commit into one chunk, in their order", async () => {
  const world = new JournalWorld();
  const { journal } = world;
  const log = journal.newLog();
  log.cursor();
  const messages = ["x", "y", "z"].map((payload) => message("t", payload));
  for (const one of messages.slice(0, 2)) log.append(one);
  await world.settle();
  log.append(messages[2]!);
  await world.settle();
  const [x, y, z] = messages.map((one) => journal.chunks.keep(one));
  assertEquals([x!.index, y!.index, z!.index], [0, 1, 0]);
  assert(x!.chunk === y!.chunk && x!.isBefore(y!) && y!.isBefore(z!));
  assertEquals(world.rows("messages"), 2);
});

Deno.test("ChunkTable begins another chunk when one is full", () => {
  const { journal } = new JournalWorld();
  const large = "x".repeat(CHUNK_BYTES);
  const [one, two] = [large, "y"].map((payload) => journal.chunks.keep(message("t", payload)));
  assert(one!.chunk.id < two!.chunk.id);
});

Deno.test("ChunkTable does not store a message that all receivers have by the commit", async () => {
  const world = new JournalWorld();
  const { journal } = world;
  const cursor = journal.newLog().cursor();
  const one = message("t", "x");
  cursor.log.append(one);
  const { chunk } = journal.chunks.keep(one);
  cursor.pass();
  await world.settle();
  assertEquals([world.rows("messages"), chunk.isRemoved], [0, true]);
  assertEquals([journal.chunks.has(chunk.id), journal.chunks.memoryBytes], [false, 0]);
});

Deno.test("ChunkTable removes the row of a chunk without references", async () => {
  const world = new JournalWorld();
  const { journal } = world;
  const log = journal.newLog();
  const [first, second] = [log.cursor(), log.cursor()];
  const one = message("t", "x");
  log.append(one);
  const { chunk } = journal.chunks.keep(one);
  await world.settle();
  first.pass();
  await world.settle();
  assertEquals([world.rows("messages"), journal.chunks.has(chunk.id)], [1, true]);
  second.pass();
  await world.settle();
  assertEquals([world.rows("messages"), journal.chunks.has(chunk.id)], [0, false]);
});

Deno.test("ChunkTable.get() knows a chunk of the store by its identifier", () => {
  const { chunks } = new JournalWorld().journal;
  const chunk = chunks.get(7);
  assertStrictEquals(chunks.get(7), chunk);
  assertEquals([chunk.isSealed, chunk.messages, chunks.has(8)], [true, null, false]);
});
