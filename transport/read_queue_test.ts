import { assertEquals, assertRejects } from "@std/assert";
import { ReadQueue } from "./read_queue.ts";

const target = new Uint8Array(4);

/** What the next read brings. */
async function read(queue: ReadQueue): Promise<number[] | null> {
  const count = await queue.read(target);
  return count === null ? null : [...target.subarray(0, count)];
}

Deno.test("ReadQueue gives bytes in their order, in pieces as large as the reader takes", async () => {
  const queue = new ReadQueue();
  queue.push(Uint8Array.of(1, 2, 3, 4, 5, 6));
  queue.push(Uint8Array.of());
  queue.push(Uint8Array.of(7));
  assertEquals(queue.bytes, 7);
  assertEquals(await read(queue), [1, 2, 3, 4]);
  assertEquals(await read(queue), [5, 6]);
  assertEquals(queue.bytes, 1);
  assertEquals(await read(queue), [7]);
  assertEquals(queue.bytes, 0);
});

Deno.test("ReadQueue has a reader wait for bytes, and says that it does", async () => {
  let waits = 0;
  const queue = new ReadQueue(() => waits++);
  const pending = read(queue);
  assertEquals(waits, 1);
  queue.notify();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(waits, 2, "it has looked, and waits again");
  queue.push(Uint8Array.of(1));
  assertEquals(await pending, [1]);
  queue.push(Uint8Array.of(2));
  assertEquals([await read(queue), waits], [[2], 2]);
});

Deno.test("ReadQueue gives what came before the end, then the end", async () => {
  const queue = new ReadQueue();
  queue.push(Uint8Array.of(1));
  queue.end(null);
  queue.push(Uint8Array.of(2));
  queue.end(new Error("too late"));
  assertEquals([queue.isEnded, queue.error], [true, null]);
  assertEquals([await read(queue), await read(queue), await read(queue)], [[1], null, null]);
});

Deno.test("ReadQueue gives what came before an error, then throws it", async () => {
  const queue = new ReadQueue();
  queue.push(Uint8Array.of(1));
  queue.end(new Error("broken"));
  assertEquals(await read(queue), [1]);
  await assertRejects(() => read(queue), Error, "broken");
});

Deno.test("ReadQueue wakes a reader at the end", async () => {
  for (const error of [null, new Error("broken")]) {
    const queue = new ReadQueue();
    const pending = read(queue);
    queue.end(error);
    if (error === null) assertEquals(await pending, null);
    else await assertRejects(() => pending, Error, "broken");
  }
});

Deno.test("ReadQueue.clear() discards what was not read", async () => {
  const queue = new ReadQueue();
  queue.push(Uint8Array.of(1, 2, 3));
  queue.clear();
  queue.end(null);
  assertEquals([queue.bytes, await read(queue)], [0, null]);
});
