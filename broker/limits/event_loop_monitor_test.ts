import { assertEquals } from "@std/assert";
import { testContext } from "../testdata/test_context.ts";
import { EventLoopMonitor } from "./event_loop_monitor.ts";

Deno.test("EventLoopMonitor stops its timer some seconds after the last connection", async () => {
  const { context, clock } = testContext({ loopLagMs: 100 });
  const monitor = new EventLoopMonitor(context);
  monitor.start();
  assertEquals(context.scheduler.size, 1);
  await clock.advance(4_000);
  monitor.start();
  await clock.advance(4_000);
  assertEquals(context.scheduler.size, 1);
  await clock.advance(2_000);
  assertEquals([context.scheduler.size, monitor.isBusy], [0, false]);
});

Deno.test("EventLoopMonitor without loopLagMs sets no timer", () => {
  const { context } = testContext({ loopLagMs: 0 });
  new EventLoopMonitor(context).start();
  assertEquals(context.scheduler.size, 0);
});
