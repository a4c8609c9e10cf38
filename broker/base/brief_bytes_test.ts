import { assertEquals, assertStrictEquals } from "@std/assert";
import { copyBriefly } from "./brief_bytes.ts";

/** Copies bytes, and returns where they are. */
function copyOf(source: Uint8Array, from: number, to: number) {
  const { buffer, start } = copyBriefly(source, from, to);
  return { buffer, start, bytes: () => buffer.subarray(start, start + to - from) };
}

Deno.test("copyBriefly() keeps every copy as it is, whatever the source and later copies are", () => {
  const source = new Uint8Array(1000);
  const copies: [ReturnType<typeof copyOf>, Uint8Array][] = [];
  for (let i = 0; i < 500; i++) {
    source.fill(i);
    const length = i % 200;
    copies.push([copyOf(source, 7, 7 + length), source.slice(7, 7 + length)]);
  }
  source.fill(0);
  for (const [copy, wanted] of copies) assertEquals(copy.bytes(), wanted);
});

Deno.test("copyBriefly() puts a few small messages into one array, and large ones into their own", () => {
  const source = new Uint8Array(1000).fill(1);
  const arrays = Array.from({ length: 9 }, () => copyOf(source, 0, 100).buffer);
  for (const array of new Set(arrays)) {
    assertEquals([array.length, arrays.filter((one) => one === array).length <= 5], [512, true]);
  }
  assertEquals(new Set(arrays).size < 4, true);
  const large = copyOf(source, 0, 129);
  assertEquals([large.start, large.buffer.length], [0, 129]);
  assertStrictEquals(large.bytes().buffer, large.buffer.buffer);
});
