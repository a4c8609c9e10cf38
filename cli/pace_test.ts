import { assertEquals } from "@std/assert";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { Pace } from "./pace.ts";

Deno.test("Pace keeps the gap, the first without a wait", async () => {
  const clock = new VirtualClock();
  const pace = new Pace(20, clock);
  const times: number[] = [];
  const run = (async () => {
    for (let count = 0; count < 4; count++) {
      await pace.wait();
      times.push(clock.now());
    }
  })();
  await clock.advance(59);
  assertEquals(times, [0, 20, 40]);
  await clock.advance(1);
  await run;
  assertEquals(times, [0, 20, 40, 60]);
});

Deno.test("Pace makes up for a short delay, not for a long one", async () => {
  const clock = new VirtualClock();
  const pace = new Pace(50, clock);
  await clock.advance(1000);
  let count = 0;
  const run = (async () => {
    for (; count < 5; count++) await pace.wait();
  })();
  await clock.settle();
  // Due 100 ms ago, 50 ms ago and now.
  assertEquals(count, 3);
  await clock.advance(100);
  await run;
  assertEquals(count, 5);
});

Deno.test("Pace without a gap never waits", async () => {
  const pace = new Pace(0, new VirtualClock());
  for (let count = 0; count < 10; count++) await pace.wait();
});
