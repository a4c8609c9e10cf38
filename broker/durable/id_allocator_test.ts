import { assertEquals } from "@std/assert";
import { Batch } from "../../store/batch.ts";
import { IdAllocator } from "./id_allocator.ts";

/** How many rows it writes now. */
function rowsOf(ids: IdAllocator): number {
  const batch = new Batch();
  ids.write(batch);
  return batch.changes;
}

Deno.test("IdAllocator.newId() reserves a block with the first identifier, and writes it once", () => {
  const ids = new IdAllocator(5);
  assertEquals(rowsOf(ids), 0);
  assertEquals([ids.newId(), ids.newId()], [5, 6]);
  assertEquals(rowsOf(ids), 1);
  ids.onStored(ids.ceiling);
  ids.newId();
  assertEquals(rowsOf(ids), 0);
});

Deno.test("IdAllocator writes the row again until it is stored", () => {
  const ids = new IdAllocator(1);
  ids.newId();
  assertEquals([rowsOf(ids), rowsOf(ids)], [1, 1]);
});

Deno.test("IdAllocator after a restart continues behind the stored block", () => {
  const before = new IdAllocator(1);
  before.newId();
  const after = new IdAllocator(before.ceiling);
  assertEquals(after.newId() >= before.ceiling, true);
});

Deno.test("IdAllocator.skip() allocates no identifier that was found in the store", () => {
  const ids = new IdAllocator(1);
  ids.skip(41);
  ids.skip(7);
  assertEquals([ids.nextId, ids.newId()], [42, 42]);
  assertEquals(rowsOf(ids), 1);
});
