import { assertEquals } from "@std/assert";
import { drawHistogram, histogram, Samples, summarize } from "./samples.ts";

Deno.test("summarize() gives moments and percentiles", () => {
  const samples = new Samples();
  for (let i = 2000; i >= 1; i--) samples.add(i);
  const summary = summarize(samples.sorted())!;
  assertEquals(summary.count, 2000);
  assertEquals([summary.min, summary.mean, summary.max], [1, 1000.5, 2000]);
  assertEquals([summary.p50, summary.p90], [1000, 1800]);
  assertEquals([summary.p99, summary.p999], [1980, 1998]);
  assertEquals(Math.round(summary.stddev), 577);
});

Deno.test("summarize() of nothing is null", () => {
  assertEquals(summarize(new Samples().sorted()), null);
});

Deno.test("histogram() sorts into rows of round numbers, with no gap", () => {
  const rows = histogram(Float64Array.of(3, 4, 12, 70));
  assertEquals(rows.map(({ below, count }) => [below, count]), [[5, 2], [10, 0], [20, 1], [50, 0], [
    100,
    1,
  ]]);
});

Deno.test("drawHistogram() draws the largest row over the whole width", () => {
  const lines = drawHistogram([{ below: 5, count: 4 }, { below: 10, count: 1 }], "µs").split("\n");
  assertEquals(lines, [
    `  <  5 µs         4 ${"█".repeat(40)}`,
    `  < 10 µs         1 ${"█".repeat(10)}`,
  ]);
});
