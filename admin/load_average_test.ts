import { assert, assertEquals } from "@std/assert";
import { LoadAverage } from "./load_average.ts";

Deno.test("LoadAverage comes to the rate of a minute, the sooner the shorter the span", () => {
  const load = new LoadAverage();
  for (let total = 10; total <= 60; total += 10) load.take(total, 10);
  const [one, five, fifteen] = load.perMinute as [number, number, number];
  // After a minute at 60 a minute: 1 - 1/e of it for the first span.
  assertEquals(one.toFixed(2), "37.93");
  assertEquals(five.toFixed(2), "10.88");
  assertEquals(fifteen.toFixed(2), "3.87");
});

Deno.test("LoadAverage forgets what is long past", () => {
  const load = new LoadAverage();
  load.take(1000, 10);
  const before = load.perMinute[0]!;
  for (let round = 0; round < 60; round++) load.take(1000, 10);
  assert(load.perMinute[0]! < before / 10_000);
});

Deno.test("LoadAverage does not depend on how often it is asked", () => {
  const often = new LoadAverage();
  const seldom = new LoadAverage();
  for (let total = 1; total <= 60; total++) often.take(total, 1);
  seldom.take(60, 60);
  assertEquals(often.perMinute[0]!.toFixed(6), seldom.perMinute[0]!.toFixed(6));
});
