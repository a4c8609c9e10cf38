import { assertEquals } from "@std/assert";
import { SharedCount } from "./shared_count.ts";

function two(): readonly [SharedCount, SharedCount] {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  return [new SharedCount(cells, 0), new SharedCount(cells, 1)];
}

Deno.test("SharedCount.acquire() counts at all workers against one limit", () => {
  const [first, second] = two();
  assertEquals([first.acquire(3), second.acquire(3), second.acquire(3)], [true, true, true]);
  assertEquals([first.acquire(3), second.acquire(3)], [false, false]);
  assertEquals([first.total, second.total], [3, 3]);
  first.remove();
  assertEquals([second.acquire(3), first.acquire(3)], [true, false]);
  // The limit was lowered, or lifted.
  assertEquals([first.acquire(2), second.acquire(Infinity)], [false, true]);
});

Deno.test("SharedCount.clear() gives back what a worker held, and nothing of others", () => {
  const [first, second] = two();
  for (const count of [first, second, second]) count.add();
  first.clear(1);
  assertEquals([first.total, second.total], [1, 1]);
});
