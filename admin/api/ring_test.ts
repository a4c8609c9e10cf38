import { assertEquals } from "@std/assert";
import { CHARACTERS_MAX, Ring } from "./ring.ts";

function sorted(ring: Ring<number>): number[] {
  return ring.items.sort((a, b) => a - b);
}

Deno.test("Ring keeps the last items, up to its number", () => {
  const ring = new Ring<number>(3);
  assertEquals(sorted(ring), []);
  for (let i = 1; i <= 3; i++) ring.add(i, 10);
  assertEquals(sorted(ring), [1, 2, 3]);
  for (let i = 4; i <= 8; i++) ring.add(i, 10);
  assertEquals(sorted(ring), [6, 7, 8]);
});

Deno.test("Ring lets the oldest go when there are too many characters", () => {
  const ring = new Ring<number>(4, 100);
  for (let i = 1; i <= 4; i++) ring.add(i, 20);
  ring.add(5, 50);
  assertEquals(sorted(ring), [3, 4, 5]);
  ring.add(6, 100);
  assertEquals(sorted(ring), [6]);
  ring.add(7, 101);
  assertEquals(sorted(ring), []);
  for (let i = 8; i <= 20; i++) ring.add(i, 0);
  assertEquals(sorted(ring), [17, 18, 19, 20]);
});

Deno.test("Ring keeps no more of clients with the longest identifiers than of others", () => {
  const ring = new Ring<number>(1000);
  for (let i = 0; i < 1000; i++) ring.add(i, 65_535);
  assertEquals(ring.items.length, Math.floor(CHARACTERS_MAX / 65_535));
});
