import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { LoopLag } from "./loop_lag.ts";

Deno.test("LoopLag measures by how much its timer is late, until it is stopped", async () => {
  const clock = new VirtualClock();
  let lateMs = 0;
  const lag = new LoopLag({
    now: () => clock.now(),
    schedule: (atMs, callback) => clock.schedule(atMs + lateMs, callback),
  });
  await clock.advance(500);
  assertEquals([lag.lastSeconds, lag.seconds.count], [0, 1]);
  // The timer that is set next comes 40 ms late.
  lateMs = 40;
  await clock.advance(500);
  await clock.advance(540);
  assertEquals([lag.lastSeconds, lag.seconds.count], [0.04, 3]);
  lag.stop();
  await clock.advance(10_000);
  assertEquals(lag.seconds.count, 3);
});
