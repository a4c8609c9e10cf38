import { assertEquals } from "@std/assert";
import type { RowOwner } from "../base/row_owner.ts";
import { Changes } from "./changes.ts";

/** A session whose row is to be written, or removed. */
function owner(isRemoved: boolean): RowOwner {
  return { isRemoved } as unknown as RowOwner;
}

Deno.test("Changes are empty until something is recorded", () => {
  const changes = new Changes();
  assertEquals(changes.isEmpty, true);
  changes.retained.add("a");
  assertEquals(changes.isEmpty, false);
});

Deno.test("takeRemovals() splits off what frees room: chunks, pages and ended sessions", () => {
  const changes = new Changes();
  const [ended, lasting] = [owner(true), owner(false)];
  changes.removedChunks.add(1);
  changes.removedPages.push([2, 3]);
  changes.owners.add(ended).add(lasting);
  changes.retained.add("a");
  const removals = changes.takeRemovals()!;
  assertEquals([...removals.removedChunks], [1]);
  assertEquals(removals.removedPages, [[2, 3]]);
  assertEquals([...removals.owners], [ended]);
  assertEquals([...changes.owners], [lasting]);
  assertEquals([changes.removedChunks.size, changes.removedPages.length], [0, 0]);
  assertEquals([...changes.retained], ["a"]);
  assertEquals(changes.takeRemovals(), null);
});

Deno.test("takeRemovals() leaves indivisible changes whole", () => {
  const changes = new Changes();
  changes.removedChunks.add(1);
  changes.isIndivisible = true;
  assertEquals(changes.takeRemovals(), null);
  assertEquals([...changes.removedChunks], [1]);
});

Deno.test("addFailed() adds the changes of a failed commit, each once, and their weight", () => {
  const [failed, changes] = [new Changes(), new Changes()];
  const session = owner(false);
  failed.owners.add(session);
  failed.removedChunks.add(1);
  failed.removedPages.push([2, 3]);
  failed.weight = 10;
  failed.isIndivisible = true;
  changes.owners.add(session);
  changes.removedChunks.add(4);
  changes.weight = 5;
  changes.addFailed(failed);
  assertEquals([...changes.owners], [session]);
  assertEquals([...changes.removedChunks], [4, 1]);
  assertEquals(changes.removedPages, [[2, 3]]);
  assertEquals([changes.weight, changes.isIndivisible], [15, true]);
});
