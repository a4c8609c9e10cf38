import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { BufferPool } from "./buffer_pool.ts";

Deno.test("BufferPool.take() gives a buffer that is large enough, and not much larger", () => {
  const pool = new BufferPool();
  const sizes = [0, 1, 256, 257, 1024, 1025, 4096, 16_384, 16_385, 65_536, 65_537, 1_000_000];
  const given = [256, 256, 256, 1024, 1024, 4096, 4096, 16_384, 65_536, 65_536, 65_537, 1_000_000];
  assertEquals(sizes.map((bytes) => pool.take(bytes).length), given);
  assertEquals(BufferPool.bytesMax, 65_536);
});

Deno.test("BufferPool.take() gives what was given back, once", () => {
  const pool = new BufferPool();
  const buffer = pool.take(1000);
  pool.give(buffer);
  assertStrictEquals(pool.take(500), buffer);
  assert(pool.take(500) !== buffer);
});

Deno.test("BufferPool.give() keeps no buffer of another size", () => {
  const pool = new BufferPool();
  for (const bytes of [0, 1, 255, 1000, 65_537]) {
    const buffer = new Uint8Array(bytes);
    pool.give(buffer);
    assert(pool.take(bytes) !== buffer);
  }
});

Deno.test("BufferPool.give() keeps 4 MB of a size and lets the rest go", () => {
  const pool = new BufferPool();
  for (const bytes of [256, 65_536]) {
    const buffers = Array.from({ length: 4 * 1024 * 1024 / bytes + 10 }, () => pool.take(bytes));
    const known = new Set(buffers);
    for (const buffer of buffers) pool.give(buffer);
    const again = buffers.map(() => pool.take(bytes));
    assertEquals(again.filter((buffer) => known.has(buffer)).length, buffers.length - 10);
    assertEquals(new Set(again).size, buffers.length);
  }
});
