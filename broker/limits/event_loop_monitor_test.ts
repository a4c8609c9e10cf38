import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { testContext } from "../testdata/test_context.ts";
import { EventLoopMonitor } from "./event_loop_monitor.ts";

/** How often the monitor checks, in milliseconds. */
const CHECK_MS = 250;

/** A clock whose timers go off as late as the test says. */
class LateClock extends VirtualClock {
  lateMs = 0;

  override schedule(atMs: number, callback: () => void): () => void {
    return super.schedule(atMs + this.lateMs, callback);
  }
}

/** A monitor of an event loop, and what it tells. */
function world(loopLagMs: number) {
  const told: string[] = [];
  const busy = (isBusy: boolean, lagMs: number) => void told.push(`${isBusy} ${lagMs}`);
  const clock = new LateClock();
  const { context } = testContext({ loopLagMs }, { busy }, clock);
  return { context, clock, told, monitor: new EventLoopMonitor(context) };
}

Deno.test("EventLoopMonitor is busy after two late checks in a row, calm after four in time", async () => {
  const { monitor, told, clock, context } = world(100);
  clock.lateMs = 101;
  monitor.start();
  await clock.advance(CHECK_MS + 101);
  assertEquals([monitor.isBusy, context.stats.loopLagMs], [false, 101]);
  // The timer of this check was set by the one before.
  clock.lateMs = 49;
  await clock.advance(CHECK_MS + 101);
  assertEquals([monitor.isBusy, told], [true, ["true 101"]]);
  await clock.advance(3 * (CHECK_MS + 49));
  assertEquals(monitor.isBusy, true);
  await clock.advance(CHECK_MS + 49);
  assertEquals([monitor.isBusy, told], [false, ["true 101", "false 49"]]);
});

Deno.test("EventLoopMonitor is not busy by accident: one late check among others", async () => {
  const { monitor, told, clock } = world(100);
  monitor.start();
  for (let i = 0; i < 6; i++) {
    // The next timer but one.
    clock.lateMs = i % 2 === 0 ? 500 : 0;
    await clock.advance(CHECK_MS + 500);
  }
  assertEquals([monitor.isBusy, told], [false, []]);
});

Deno.test("EventLoopMonitor stays busy while it is late by half of the limit", async () => {
  const { monitor, clock } = world(100);
  clock.lateMs = 150;
  monitor.start();
  await clock.advance(3 * (CHECK_MS + 150));
  assertEquals(monitor.isBusy, true);
  clock.lateMs = 60;
  await clock.advance(20 * (CHECK_MS + 60));
  assertEquals(monitor.isBusy, true);
});

Deno.test("EventLoopMonitor.applyLimits() ends being busy without a limit", async () => {
  const { monitor, told, clock, context } = world(100);
  clock.lateMs = 150;
  monitor.start();
  await clock.advance(3 * (CHECK_MS + 150));
  context.limits.loopLagMs = 0;
  monitor.applyLimits();
  assertEquals([monitor.isBusy, context.scheduler.size, told], [false, 0, [
    "true 150",
    "false 0",
  ]]);
});

Deno.test("EventLoopMonitor sleeps as soon as a check is in time and nobody has arrived", async () => {
  const { monitor, context, clock } = world(100);
  assertEquals(context.scheduler.size, 0);
  monitor.start();
  monitor.start();
  assertEquals(context.scheduler.size, 1);
  await clock.advance(CHECK_MS);
  monitor.start();
  await clock.advance(CHECK_MS);
  assertEquals(context.scheduler.size, 1);
  await clock.advance(CHECK_MS);
  assertEquals(context.scheduler.size, 0);
});

Deno.test("EventLoopMonitor goes on after a late check, though nobody arrives", async () => {
  const { monitor, context, clock } = world(100);
  clock.lateMs = 150;
  monitor.start();
  await clock.advance(3 * (CHECK_MS + 150));
  assertEquals(monitor.isBusy, true);
  clock.lateMs = 0;
  await clock.advance(6 * CHECK_MS + 150);
  assertEquals([monitor.isBusy, context.scheduler.size], [false, 0]);
});

Deno.test("EventLoopMonitor checks nothing if loopLagMs is 0", () => {
  const { monitor, context } = world(0);
  monitor.start();
  assertEquals([context.scheduler.size, monitor.isBusy], [0, false]);
});
