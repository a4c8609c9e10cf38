import { assertEquals, assertThrows } from "@std/assert";
import { closeRing, makeRing, Slot, State, wake, Wants } from "./ring_buffers.ts";

Deno.test("makeRing() refuses a capacity that is no power of two or out of range", () => {
  for (const capacityBytes of [0, -64, 32, 63, 65, 1000, 64.5, 2 ** 31, Infinity, NaN]) {
    assertThrows(
      () => makeRing({ capacityBytes }),
      RangeError,
      `capacityBytes must be a power of two from 64 to 1073741824, not ${capacityBytes}`,
    );
  }
  assertEquals(makeRing({ capacityBytes: 64 }).bytes.map((one) => one.byteLength), [64, 64]);
  assertEquals(makeRing().bytes.map((one) => one.byteLength), [1 << 20, 1 << 20]);
});

Deno.test("the slots of a ring are different, and in different cache lines", () => {
  const slots = ([0, 1] as const).flatMap((side) => Object.values(Slot).map((slot) => slot(side)));
  const lines = new Set(slots.map((slot) => Math.floor(slot * 4 / 64)));
  assertEquals(lines.size, slots.length);
  const { positions } = makeRing();
  assertEquals(positions.byteLength >= (Math.max(...slots) + 1) * 4, true);
});

Deno.test("wake() wakes a side that wants it, once", () => {
  const slots = new Int32Array(makeRing().positions);
  const slot = Slot.parked(1);
  slots[slot] = Wants.bytes;
  wake(slots, 1, Wants.room);
  wake(slots, 0, Wants.bytes);
  assertEquals(slots[slot], Wants.bytes);
  wake(slots, 1, Wants.bytes);
  assertEquals(slots[slot], 0);
});

Deno.test("closeRing() breaks both directions, and wakes who is parked", async () => {
  const ring = makeRing();
  const slots = new Int32Array(ring.positions);
  const waits = ([0, 1] as const).map((side) => {
    slots[Slot.parked(side)] = Wants.room;
    return Atomics.waitAsync(slots, Slot.parked(side), Wants.room).value;
  });
  const timer = setInterval(() => {}, 1_000_000);
  closeRing(ring);
  closeRing(ring);
  assertEquals(await Promise.all(waits), ["ok", "ok"]);
  clearInterval(timer);
  assertEquals([slots[Slot.state(0)], slots[Slot.state(1)]], [State.broken, State.broken]);
});
