import { assertEquals } from "@std/assert";
import { SharedLocks } from "./shared_locks.ts";

Deno.test("SharedLocks.take() gives up if another worker holds a lock; clear() releases its locks", () => {
  const holders = new Int32Array(new SharedArrayBuffer(8));
  const [first, second] = [new SharedLocks(holders, 0), new SharedLocks(holders, 1)];
  assertEquals([first.take(0), second.take(1), second.take(0)], [true, true, false]);
  // As if the first worker had died.
  second.clear(0);
  assertEquals([second.take(0), first.take(1)], [true, false]);
  second.release(1);
  assertEquals(first.take(1), true);
});
