import { assert, assertEquals } from "@std/assert";
import { Batch, reuse } from "./batch.ts";

const KEY = Uint8Array.of(1, 2);

/** The changes of a batch, in words. */
function told(batch: Batch): string[] {
  return [...batch].map((change) =>
    change.kind === "put"
      ? `put ${change.table} ${change.key} ${change.value.length}`
      : change.kind === "remove"
      ? `remove ${change.table} ${change.key}`
      : `remove ${change.table} from ${change.from} to ${change.to}`
  );
}

Deno.test("Batch has its changes in their order, also in another thread", () => {
  const batch = new Batch();
  batch.put("meta", KEY, new Uint8Array(70_000).fill(5));
  batch.remove("meta", KEY);
  batch.removeRange("streams", KEY, Uint8Array.of(3));
  const expected = ["put meta 1,2 70000", "remove meta 1,2", "remove streams from 1,2 to 3"];
  assertEquals([batch.changes, told(batch)], [3, expected]);
  assertEquals(told(new Batch(batch.bytes.slice())), expected);
});

Deno.test("Batch takes the buffer of one that is committed, and nothing that was in it", () => {
  const committed = new Batch();
  committed.put("meta", KEY, new Uint8Array(100_000).fill(9));
  const { bytes } = committed;
  reuse(bytes);
  const [next, other] = [new Batch(), new Batch()];
  for (const batch of [next, other]) batch.put("meta", KEY, Uint8Array.of(6));
  assert(next.bytes.buffer === bytes.buffer);
  assert(other.bytes.buffer !== bytes.buffer);
  assertEquals([told(next), next.bytes], [["put meta 1,2 1"], other.bytes]);
});

Deno.test("Batch keeps no buffer that is too large, and none that is smaller than a new one", () => {
  for (const size of [2 * 1024 * 1024, 1024]) {
    const bytes = new Uint8Array(size);
    reuse(bytes);
    assert(new Batch().bytes.buffer !== bytes.buffer);
  }
});
