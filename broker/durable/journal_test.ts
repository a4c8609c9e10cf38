import { assert, assertEquals } from "@std/assert";
import { JournalWorld } from "../testdata/journal_world.ts";

Deno.test("Journal commits all changes of a turn together, at its end", async () => {
  const world = new JournalWorld();
  const { journal, store, host } = world;
  for (const topic of ["a", "b", "a"]) world.retain(topic);
  assertEquals(store.commits, []);
  assert(journal.latest !== null && journal.latest === journal.gathering);
  await world.settle();
  assertEquals([store.commits.length, world.rows("retained"), journal.latest], [1, 2, null]);
  assertEquals([journal.done, host.stored], [1, 3]);
});

Deno.test("Journal gathers changes during a commit for the next one", async () => {
  const world = new JournalWorld();
  const { journal, store } = world;
  store.mode = "wait";
  world.retain("a");
  await world.settle();
  const first = journal.latest!;
  world.retain("b");
  world.retain("c");
  const second = journal.latest!;
  assert(first !== second);
  store.mode = "succeed";
  store.settle(true);
  await journal.whenStored(second);
  assertEquals([store.commits.length, world.rows("retained"), journal.done], [2, 3, 2]);
});

Deno.test("Journal retries a failed commit after a second, with the changes since then", async () => {
  const world = new JournalWorld();
  const { journal, store, host } = world;
  store.mode = "fail";
  world.retain("a");
  const stored = journal.whenStored(journal.latest!);
  let isStored = false;
  stored.then(() => isStored = true);
  await world.settle();
  assertEquals([journal.isFailing, journal.isFull, isStored], [true, true, false]);
  world.retain("b");
  store.mode = "succeed";
  await host.clock.advance(999);
  assertEquals(world.rows("retained"), 0);
  await host.clock.advance(1);
  await stored;
  assertEquals([world.rows("retained"), journal.isFailing], [2, false]);
  assertEquals(host.reports, ["commit failed", "full", "not full"]);
});

Deno.test("Journal makes publishers wait for the commit beyond journalBytesMax", async () => {
  const world = new JournalWorld();
  const { host, store } = world;
  host.journalBytesMax = 10_000;
  store.mode = "wait";
  world.retain("a", "x".repeat(9_000));
  assertEquals(host.room, null);
  world.retain("b", "x".repeat(9_000));
  assert(host.room !== null);
  await world.settle();
  store.settle(true);
  await host.room;
});

Deno.test("Journal.isFull at storedBytesMax", () => {
  const { journal, host } = new JournalWorld();
  journal.pages.countStored(host.storedBytesMax - 1);
  assertEquals(journal.isFull, false);
  journal.pages.countStored(1);
  assertEquals([journal.isFull, journal.isFailing], [true, false]);
});

Deno.test("Journal.close() tries a last time, and releases everyone who waits", async () => {
  const world = new JournalWorld();
  const { journal, store } = world;
  store.mode = "fail";
  world.retain("a");
  await world.settle();
  const stored = journal.whenStored(journal.gathering);
  await journal.close();
  await stored;
  assertEquals(world.rows("retained"), 0);
  await journal.whenStored(journal.gathering);
});
