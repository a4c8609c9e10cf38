import { assertEquals } from "@std/assert";
import { Histogram } from "./histogram.ts";

Deno.test("Histogram.add() counts a value under the lowest bound that it does not exceed", () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11]) histogram.add(value);
  assertEquals(histogram.counts, [2, 2, 1]);
  assertEquals([histogram.count, histogram.sum], [5, 23.5]);
});
