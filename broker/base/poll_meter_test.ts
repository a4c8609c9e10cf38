import { assertEquals } from "@std/assert";
import { IMMEDIATES_PER_POLL } from "./clock.ts";
import { PollMeter } from "./poll_meter.ts";

/** How much work may be done without a poll, in milliseconds. */
const POLL_MS_MAX = 12;

function world() {
  let polled = 0;
  const meter = new PollMeter(() => polled++);
  return { meter, polled: () => polled };
}

Deno.test("PollMeter is overdue after so much work of the broker, however it is divided", () => {
  const { meter } = world();
  for (let ms = 0; ms < POLL_MS_MAX; ms += 3) {
    assertEquals(meter.isOverdue, false);
    // Nothing happens between one piece of work and the next.
    meter.onWorked(100 * ms, 100 * ms + 3);
  }
  assertEquals(meter.isOverdue, true);
});

Deno.test("PollMeter counts what the runtime has done while the broker waited for it", () => {
  const { meter } = world();
  meter.onWorked(0, 5);
  meter.onWaiting(20);
  meter.onReturned(26);
  assertEquals(meter.isOverdue, false);
  meter.onWaiting(30);
  meter.onReturned(31);
  assertEquals(meter.isOverdue, true);
});

Deno.test("PollMeter counts work during a wait once", () => {
  const { meter } = world();
  meter.onWaiting(0);
  meter.onWorked(0, 6);
  meter.onReturned(7);
  assertEquals(meter.isOverdue, false);
  meter.onWorked(7, 12);
  assertEquals(meter.isOverdue, true);
});

Deno.test("PollMeter starts again when the runtime has polled, by itself or because it was made to", () => {
  const { meter, polled } = world();
  meter.onWorked(0, POLL_MS_MAX);
  meter.onPolled();
  assertEquals([meter.isOverdue, meter.polls, polled()], [false, 1, 1]);
  meter.onWorked(0, POLL_MS_MAX);
  for (let step = 1; step < IMMEDIATES_PER_POLL; step++) meter.onStepped();
  assertEquals([meter.isOverdue, meter.polls, polled()], [true, 1, 1]);
  meter.onStepped();
  assertEquals([meter.isOverdue, meter.polls, polled()], [false, 2, 2]);
});
