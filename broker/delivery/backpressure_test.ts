import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import type { Receipt } from "../../log/receipt.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Backpressure, isHigh } from "./backpressure.ts";
import { Scheduler } from "../base/scheduler.ts";

const STALL_MS = 1000;

/** Backpressure of one subscriber, and what publishers were told to wait for. */
class PressureWorld {
  readonly clock = new VirtualClock();
  readonly scheduler = new Scheduler(this.clock);
  readonly limits = { stallMs: STALL_MS, highWaterBytes: 1000, backlogMessagesMax: 100 };
  readonly rooms: Receipt[] = [];
  readonly pressure = new Backpressure(this, this);

  needRoom(room: Receipt): void {
    this.rooms.push(room);
  }

  /** What a publisher that comes now waits for; `undefined` if for nothing. */
  slowDown(): Receipt | undefined {
    const before = this.rooms.length;
    this.pressure.slowDown();
    return this.rooms[before];
  }
}

Deno.test("isHigh() holds past highWaterBytes, or half of the messages of a backlog", () => {
  const { limits } = new PressureWorld();
  const high: [bytes: number, messages?: number][] = [[1001], [1001, 0], [0, 51], [5000, 100]];
  const low: [bytes: number, messages?: number][] = [[0], [1000], [1000, 50], [0, 50]];
  for (const [bytes, messages] of high) assert(isHigh(limits, bytes, messages));
  for (const [bytes, messages] of low) assertFalse(isHigh(limits, bytes, messages));
});

Deno.test("Backpressure has all wait for one receipt until there is room, then for another", async () => {
  const world = new PressureWorld();
  const { scheduler, pressure } = world;
  const room = world.slowDown()!;
  assertStrictEquals(world.slowDown(), room);
  assertEquals([room.isClosed, pressure.isAwaited, scheduler.size], [false, true, 1]);
  pressure.clear();
  await room;
  assertEquals([pressure.isAwaited, scheduler.size], [false, 0]);
  assertFalse(world.slowDown()!.isClosed);
});

Deno.test("Backpressure lets publishers go on at a quarter of where they wait", () => {
  const world = new PressureWorld();
  const { pressure } = world;
  const room = world.slowDown()!;
  for (const [bytes, messages] of [[1000, 0], [251, 0], [250, 26], [0, 50]] as const) {
    pressure.clearIfLow(bytes, messages);
    assertFalse(room.isClosed, `with ${bytes} bytes and ${messages} messages`);
  }
  pressure.clearIfLow(250, 25);
  assert(room.isClosed);
});

Deno.test("Backpressure goes by limits that have changed", () => {
  const world = new PressureWorld();
  const room = world.slowDown()!;
  world.limits.highWaterBytes = 2000;
  world.pressure.clearIfLow(500);
  assert(room.isClosed);
});

Deno.test("Backpressure.clear() does nothing when nobody waits", () => {
  const { pressure } = new PressureWorld();
  pressure.clear();
  assertEquals([pressure.isAwaited, pressure.isStalled], [false, false]);
});

Deno.test("Backpressure wakes publishers when a subscriber makes no progress", async () => {
  const world = new PressureWorld();
  const { clock, scheduler, pressure } = world;
  const room = world.slowDown()!;
  await clock.advance(STALL_MS - 1);
  assertFalse(room.isClosed);
  await clock.advance(1);
  assert(room.isClosed);
  assertEquals([pressure.isStalled, pressure.isAwaited, scheduler.size], [true, false, 0]);
  assertEquals(world.slowDown(), undefined, "nobody waits for it any more");
  pressure.progress();
  assertFalse(pressure.isStalled);
  assertFalse(world.slowDown()!.isClosed);
});

Deno.test("Backpressure has publishers wait while a subscriber makes some progress", async () => {
  const world = new PressureWorld();
  const { clock, pressure } = world;
  const room = world.slowDown()!;
  for (let i = 0; i < 20; i++) {
    await clock.advance(STALL_MS / 2);
    pressure.progress();
  }
  assertFalse(room.isClosed);
  await clock.advance(STALL_MS);
  assert(room.isClosed);
});

Deno.test("Backpressure gives one that was idle for long the whole stall time", async () => {
  const world = new PressureWorld();
  const { clock } = world;
  await clock.advance(100 * STALL_MS);
  const room = world.slowDown()!;
  await clock.advance(STALL_MS - 1);
  assertFalse(room.isClosed);
});
