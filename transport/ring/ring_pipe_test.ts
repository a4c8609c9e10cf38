import { assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../tests/harness/random.ts";
import { closeRing } from "./ring_buffers.ts";
import { RingBrokenError } from "./ring_pipe.ts";
import { RingWorld } from "./testdata/ring_world.ts";

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => from + i);

Deno.test("RingPipe writes what fits at once, and the rest when the other side has read", async () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  const source = bytes(150);
  assertEquals([a.pipe.write(source), a.poll()], [64, false]);
  await world.settle();
  assertEquals(a.receiver.events, ["written 64", "written 22"]);
  assertEquals(b.receiver.events, ["received 64", "received 64", "received 22"]);
  assertEquals(b.receiver.bytes, [...source]);
  world.close();
});

Deno.test("RingPipe may write in onWritten() and onReceived()", async () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  let left = 3;
  a.receiver.afterWrite = () => {
    if (left-- > 0) a.pipe.write(bytes(70, left));
  };
  b.receiver.afterRead = () => b.pipe.write(bytes(1, b.receiver.bytes.length));
  assertEquals(a.pipe.write(bytes(70)), 64);
  await world.settle();
  assertEquals(a.receiver.events.filter((event) => event.startsWith("written")).length, 4);
  assertEquals([b.receiver.bytes.length, a.receiver.bytes.at(-1)], [280, 280 & 255]);
  world.close();
});

Deno.test("RingPipe reads nothing before start() and while it is paused", () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  b.receiver.afterRead = () => b.pipe.pause();
  a.pipe.write(bytes(3));
  assertEquals([b.poll(), b.receiver.bytes], [true, [0, 1, 2]]);
  a.pipe.write(bytes(2, 3));
  assertEquals([b.poll(), b.park(), b.receiver.bytes.length], [false, true, 3]);
  b.pipe.resume();
  // It is not pushed within the call.
  assertEquals([b.wanted, b.receiver.bytes.length], [1, 3]);
  assertEquals([b.poll(), b.receiver.bytes], [true, [0, 1, 2, 3, 4]]);
  world.close();
});

Deno.test("RingPipe fills a target of the receiver, however small and wherever it lies", () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  b.receiver.own = new Uint8Array(40).subarray(3);
  a.pipe.write(bytes(60));
  assertEquals([b.poll(), b.poll(), b.poll()], [true, true, false]);
  assertEquals(b.receiver.events, ["received 37", "received 23"]);
  assertEquals(b.receiver.bytes, [...bytes(60)]);
  world.close();
});

Deno.test("RingPipe does not hand out shared memory", () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  const targets: unknown[] = [];
  const { target } = b.receiver;
  b.receiver.target = (shared) => {
    targets.push(shared.buffer.constructor.name);
    return target.call(b.receiver, shared);
  };
  a.pipe.write(bytes(10));
  b.poll();
  assertEquals(targets, ["ArrayBuffer"]);
  world.close();
});

Deno.test("RingPipe.close() lets the other side read what was written, and then end", async () => {
  for (const how of ["close", "closeWrite"] as const) {
    const world = new RingWorld();
    const [a, b] = world.sides;
    a.pipe.write(bytes(10));
    a.pipe[how]();
    assertThrows(() => a.pipe.write(bytes(1)), Error, "Cannot write to a closed ring");
    await world.settle();
    assertEquals(b.receiver.events, ["received 10", "ended well"]);
    assertEquals(a.receiver.events, ["ended well"]);
    assertEquals([a.rings.size, b.rings.size], [0, 0]);
    world.close();
  }
});

Deno.test("RingPipe.closeWrite() leaves the other direction open", () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  b.receiver.pipe = null;
  a.pipe.closeWrite();
  assertEquals([b.poll(), b.poll(), b.receiver.events], [true, false, ["ended well"]]);
  b.pipe.write(bytes(5));
  assertEquals([a.poll(), a.receiver.bytes.length], [true, 5]);
  assertEquals([b.park(), a.park()], [true, true]);
  world.close();
});

Deno.test("RingPipe.close() tells its receiver later, and not while it is paused", async () => {
  const world = new RingWorld();
  const { pipe, receiver } = world.sides[0];
  pipe.pause();
  pipe.close();
  pipe.close();
  await Promise.resolve();
  assertEquals(receiver.events, []);
  pipe.resume();
  assertEquals(receiver.events, []);
  await Promise.resolve();
  assertEquals(receiver.events, ["ended well"]);
  world.close();
});

Deno.test("RingPipe cannot write to a side that has closed, and a waiting write fails", () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  a.receiver.pipe = null;
  a.pipe.pause();
  a.pipe.write(bytes(100));
  b.pipe.close();
  assertEquals([a.poll(), a.receiver.events], [true, ["write failed Error"]]);
  assertThrows(() => a.pipe.write(bytes(1)), Error, "the other side has closed the ring");
  world.close();
});

Deno.test("closeRing() ends both pipes with an error, after what was written", async () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  a.receiver.pipe = b.receiver.pipe = null;
  a.pipe.write(bytes(100));
  closeRing(world.buffers);
  await world.settle();
  assertEquals(a.receiver.events, ["write failed RingBrokenError", "ended RingBrokenError"]);
  assertEquals(b.receiver.events, ["received 64", "ended RingBrokenError"]);
  assertThrows(() => b.pipe.write(bytes(1)), RingBrokenError, "thread at its other side is gone");
  world.close();
});

Deno.test("closeRing() after an orderly end is no error for the reader", async () => {
  const world = new RingWorld();
  world.sides[0].pipe.close();
  closeRing(world.buffers);
  await world.settle();
  assertEquals(world.sides[1].receiver.events, ["ended well"]);
  world.close();
});

Deno.test("RingPipe that is parked is woken by the first write, and not by the next ones", async () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  const timer = setInterval(() => {}, 1_000_000);
  for (let round = 1; round <= 3; round++) {
    assertEquals([a.park(), b.park()], [true, true]);
    const ring = b.nextRing();
    for (let i = 0; i < 5; i++) a.pipe.write(bytes(2));
    await ring;
    assertEquals([b.rung, a.rung], [round, 0]);
    assertEquals([b.poll(), b.receiver.bytes.length], [true, round * 10]);
  }
  clearInterval(timer);
  world.close();
});

Deno.test("RingPipe parks only if nothing has come", async () => {
  const world = new RingWorld();
  const [a, b] = world.sides;
  a.pipe.write(bytes(1));
  assertEquals([b.park(), b.poll(), b.park()], [false, true, true]);
  // A writer without room waits for room, and for nothing else while it is paused.
  a.pipe.pause();
  assertEquals([a.pipe.write(bytes(100)), a.park()], [64, true]);
  b.pipe.write(bytes(1));
  assertEquals(a.rung, 0);
  const timer = setInterval(() => {}, 1_000_000);
  const ring = a.nextRing();
  b.poll();
  await ring;
  clearInterval(timer);
  assertEquals([a.rung, a.park(), a.poll(), a.receiver.events], [1, false, true, ["written 36"]]);
  world.close();
});

Deno.test("RingPipe that is parked is woken by every kind of end", async () => {
  const timer = setInterval(() => {}, 1_000_000);
  for (const how of ["close", "closeWrite", "break"] as const) {
    const world = new RingWorld();
    const [a, b] = world.sides;
    assertEquals(b.park(), true);
    const ring = b.nextRing();
    if (how === "break") closeRing(world.buffers);
    else a.pipe[how]();
    await ring;
    b.poll();
    assertEquals(b.receiver.events, [how === "break" ? "ended RingBrokenError" : "ended well"]);
    world.close();
  }
  clearInterval(timer);
});

Deno.test("an end at any step of a transfer loses nothing that was taken (all steps)", async () => {
  for (const how of ["close", "closeWrite", "break"] as const) {
    for (let steps = 0; steps < 40; steps++) {
      const world = new RingWorld();
      const [a, b] = world.sides;
      let taken = 0;
      let isOpen = true;
      const write = () => {
        if (isOpen) taken += a.pipe.write(bytes(29, taken));
      };
      a.receiver.afterWrite = (count) => {
        taken += count;
        if (taken % 29 === 0) write();
      };
      write();
      for (let step = 0; step < steps; step++) {
        if (step % 3 === 1) b.poll();
        else if (step % 3 === 2) a.poll();
        else if (taken % 29 === 0) write();
      }
      isOpen = false;
      if (how === "break") closeRing(world.buffers);
      else a.pipe[how]();
      await world.settle();
      assertEquals(b.receiver.bytes, Array.from({ length: taken }, (_, i) => i & 255));
      assertEquals(b.receiver.events.filter((event) => event.startsWith("ended")).length, 1);
      assertEquals([a.errors, b.errors], [[], []]);
      world.close();
    }
  }
});

Deno.test("two pipes pass all bytes on in order, whatever happens in which order (100 seeds)", async () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed);
    const world = new RingWorld(random.pick([64, 256]));
    const sent = [0, 0];
    const waiting = [0, 0];
    for (const [i, side] of world.sides.entries()) {
      side.receiver.afterWrite = (count) => waiting[i]! -= count;
      side.receiver.afterRead = () => {
        if (random.chance(0.1)) side.pipe.pause();
      };
      if (random.chance(0.5)) side.receiver.own = new Uint8Array(random.integer(1, 300));
    }
    for (let step = 0; step < 400; step++) {
      const i = random.integer(0, 1);
      const side = world.sides[i]!;
      const dice = random.integer(0, 9);
      if (dice < 4 && waiting[i] === 0) {
        const length = random.integer(1, 150);
        waiting[i] = length - side.pipe.write(bytes(length, sent[i]));
        sent[i]! += length;
      } else if (dice < 8) side.poll();
      else if (dice === 8) side.pipe.resume();
      else side.park();
    }
    for (const { receiver, pipe } of world.sides) {
      receiver.afterRead = () => {};
      pipe.resume();
    }
    await world.settle();
    for (const [i, side] of world.sides.entries()) {
      const { receiver } = world.sides[1 - i]!;
      assertEquals(waiting[i], 0, `seed ${seed}`);
      assertEquals(receiver.bytes, Array.from({ length: sent[i]! }, (_, k) => k & 255));
      assertEquals(side.errors, []);
    }
    world.close();
  }
});
