import { assertEquals, assertThrows } from "@std/assert";
import { RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import { message } from "../testdata/messages.ts";
import { JournalWorld } from "../testdata/journal_world.ts";
import { readDeletion, writeDeletion } from "./retained_deletion_row.ts";

/** The row of a topic in the store. */
function rowOf({ store }: JournalWorld, topic: string): Uint8Array | undefined {
  const text = (key: Uint8Array) => new TextDecoder().decode(key);
  return store.snapshot().get("retained")!.find(({ key }) => text(key) === topic)?.value;
}

Deno.test("readDeletion() reads what writeDeletion() has written, and nothing of a damaged row", () => {
  for (const version of [1, 127, 128, 1_790_000_000_000_000]) {
    const writer = new RecordWriter();
    writeDeletion(writer, version);
    assertEquals(readDeletion(writer.bytes), version);
    if (version < 128) continue;
    assertThrows(() => readDeletion(writer.bytes.subarray(0, 1)), StoreError);
  }
  assertThrows(() => readDeletion(new Uint8Array()), StoreError);
});

Deno.test("the row of a deletion replaces that of the message, and is replaced and removed itself", async () => {
  const world = new JournalWorld();
  const { host, journal } = world;
  world.retain("a");
  world.retain("b");
  await world.settle();
  assertEquals(readDeletion(rowOf(world, "a")!), null);

  host.retained.clear();
  host.deletions.set("a", 1_790_000_000_000_000);
  for (const topic of ["a", "b"]) journal.onRetainedChanged(topic);
  await world.settle();
  assertEquals(readDeletion(rowOf(world, "a")!), 1_790_000_000_000_000);
  assertEquals(rowOf(world, "b"), undefined, "a broker that is no node stores no deletion");

  host.retained.set("a", message("a", "again").keep());
  journal.onRetainedChanged("a");
  await world.settle();
  assertEquals(readDeletion(rowOf(world, "a")!), null);
  host.retained.clear();
  host.deletions.clear();
  journal.onRetainedChanged("a");
  await world.settle();
  assertEquals(world.rows("retained"), 0);
});
