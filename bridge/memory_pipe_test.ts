import { assertEquals, assertRejects } from "@std/assert";
import { memoryPipe } from "./memory_pipe.ts";

Deno.test("memoryPipe() carries bytes both ways, in parts as they fit", async () => {
  const [near, far] = memoryPipe(8);
  assertEquals(await near.write(new Uint8Array([1, 2, 3])), 3);
  const target = new Uint8Array(2);
  assertEquals([await far.read(target), ...target], [2, 1, 2]);
  await far.write(new Uint8Array([9]));
  assertEquals([await near.read(target), target[0]], [1, 9]);
  assertEquals([await far.read(target), target[0]], [1, 3]);
});

Deno.test("memoryPipe() makes the writer wait when it is full", async () => {
  const [near, far] = memoryPipe(4);
  assertEquals(await near.write(new Uint8Array(6)), 4);
  let isWritten = false;
  const writing = near.write(new Uint8Array(2)).then((count) => {
    isWritten = true;
    return count;
  });
  await Promise.resolve();
  assertEquals(isWritten, false);
  assertEquals(await far.read(new Uint8Array(4)), 4);
  assertEquals(await writing, 2);
});

Deno.test("memoryPipe() ends and breaks as a socket does", async () => {
  const [near, far] = memoryPipe();
  await near.write(new Uint8Array([1]));
  await near.closeWrite!();
  const target = new Uint8Array(4);
  assertEquals([await far.read(target), await far.read(target)], [1, null]);
  const waiting = assertRejects(() => near.read(target), Error, "closed");
  near.close();
  await waiting;
  await assertRejects(() => far.write(target), Error, "closed");
  far.close();
});
