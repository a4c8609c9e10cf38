import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Backpressure } from "./backpressure.ts";
import { Scheduler } from "../base/scheduler.ts";

const STALL_MS = 1000;

function world(): { clock: VirtualClock; scheduler: Scheduler; congestion: Backpressure } {
  const clock = new VirtualClock();
  const scheduler = new Scheduler(clock);
  return {
    clock,
    scheduler,
    congestion: new Backpressure(clock, scheduler, { stallMs: STALL_MS }),
  };
}

Deno.test("Congestion.room() is one receipt until there is room, then another", async () => {
  const { scheduler, congestion } = world();
  const room = congestion.room();
  assertStrictEquals(congestion.room(), room);
  assertEquals([room.isClosed, congestion.isAwaited, scheduler.size], [false, true, 1]);
  congestion.clear();
  await room;
  assertEquals([congestion.isAwaited, scheduler.size], [false, 0]);
  assertFalse(congestion.room().isClosed);
});

Deno.test("Congestion.clear() does nothing when nobody waits", () => {
  const { congestion } = world();
  congestion.clear();
  assertEquals([congestion.isAwaited, congestion.isStalled], [false, false]);
});

Deno.test("Congestion wakes publishers when a subscriber makes no progress", async () => {
  const { clock, scheduler, congestion } = world();
  const room = congestion.room();
  await clock.advance(STALL_MS - 1);
  assertFalse(room.isClosed);
  await clock.advance(1);
  assert(room.isClosed);
  assertEquals([congestion.isStalled, congestion.isAwaited, scheduler.size], [true, false, 0]);
  assert(congestion.room().isClosed, "nobody waits for it any more");
  congestion.progress();
  assertFalse(congestion.isStalled);
  assertFalse(congestion.room().isClosed);
});

Deno.test("Congestion has publishers wait while a subscriber makes some progress", async () => {
  const { clock, congestion } = world();
  const room = congestion.room();
  for (let i = 0; i < 20; i++) {
    await clock.advance(STALL_MS / 2);
    congestion.progress();
  }
  assertFalse(room.isClosed);
  await clock.advance(STALL_MS);
  assert(room.isClosed);
});

Deno.test("Congestion gives one that was idle for long the whole stall time", async () => {
  const { clock, congestion } = world();
  await clock.advance(100 * STALL_MS);
  const room = congestion.room();
  await clock.advance(STALL_MS - 1);
  assertFalse(room.isClosed);
});
