import { assert, assertEquals, assertFalse } from "@std/assert";
import { ByteLog } from "../../log/byte_log.ts";
import { frameNumbers } from "../../log/testdata/frames.ts";
import { newSeed, randomFrom } from "../../router/testdata/random_topics.ts";
import type { Follows } from "./outbox_trail.ts";
import { append, appendSplit, OutboxWorld } from "../testdata/outbox_world.ts";

/** Counts how often the outbox has left. */
class CountingFollows implements Follows {
  count = 0;
  onLeft(): void {
    this.count++;
  }
}

/** A shared log that counts how often somebody parks at it. */
class CountingLog extends ByteLog {
  parks = 0;
  override park(...args: Parameters<ByteLog["park"]>): void {
    this.parks++;
    super.park(...args);
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

Deno.test("Outbox writes at the end of the turn, once for all that has gathered", async () => {
  const world = new OutboxWorld();
  for (const number of [1, 2, 3]) world.loose(number);
  assertEquals(world.transport.started, 0);
  await world.turn();
  assertEquals(await world.take(), [1, 2, 3]);
  assertEquals([world.transport.started, world.sentBytes, world.outbox.lag], [1, 30, 0]);
});

Deno.test("Outbox has one write in flight, and the next takes what came meanwhile", async () => {
  const world = new OutboxWorld();
  world.loose(1);
  await world.turn();
  for (const number of [2, 3]) {
    world.loose(number);
    world.sure(number + 10);
    await world.turn();
  }
  assertEquals([world.transport.started, world.transport.inFlight], [1, 10]);
  assertEquals(await world.take(), [1]);
  assertEquals(await world.take(), [2, 12, 3, 13]);
  assertEquals(world.transport.inFlight, 0);
});

Deno.test("Outbox writes the rest of a partial write before anything else", async () => {
  const world = new OutboxWorld();
  world.loose(1, 1000);
  await world.turn();
  world.control(2);
  const parts: number[] = [];
  for (const bytes of [1, 998, 1]) {
    parts.push(...world.transport.take(bytes));
    await world.turn();
  }
  assertEquals(frameNumbers(Uint8Array.from(parts)), [1]);
  assertEquals(await world.take(), [2]);
  assertEquals(world.sentBytes, 1010);
});

Deno.test("Outbox writes control packets first, in their order", async () => {
  const world = new OutboxWorld();
  world.loose(1);
  for (const number of [11, 12]) world.control(number);
  world.sure(2);
  world.control(13, 1000);
  assertEquals(world.outbox.control.bytes, 1020);
  assertEquals(await world.takeAll(), [11, 12, 13, 1, 2]);
  assertEquals(world.transport.started, 1);
});

Deno.test("Outbox writes control packets of any size, alone and with messages", async () => {
  const world = new OutboxWorld();
  world.control(1, 100_000);
  world.control(2, 20);
  assertEquals(await world.takeAll(), [1, 2]);
  world.control(3, 100_000);
  world.loose(4);
  assertEquals(await world.takeAll(), [3, 4]);
  assertEquals(world.pool.taken.size, 0);
});

Deno.test("Outbox keeps the order of messages over logs of its own and shared ones", async () => {
  const world = new OutboxWorld();
  const [a, b] = [new ByteLog(), new ByteLog()];
  const follows = new CountingFollows();
  append(a, 100);
  world.loose(1);
  world.outbox.follow(a, follows);
  append(a, 2);
  append(a, 3);
  world.sure(4);
  assertEquals(follows.count, 1);
  append(a, 101);
  world.outbox.follow(b, follows);
  append(b, 5);
  world.outbox.follow(a, follows);
  assertEquals(follows.count, 2);
  append(b, 102);
  append(a, 6);
  world.loose(7);
  assertEquals(await world.takeAll(), [1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("Outbox writes the very bytes of a shared log when nothing else waits", async () => {
  const world = new OutboxWorld();
  const log = new ByteLog();
  append(log, 0, 1000);
  world.outbox.follow(log, new CountingFollows());
  for (let from = 0; from < 5000; from += 50) {
    for (const number of range(from, from + 50)) append(log, number, 20);
    assertEquals(await world.takeAll(), range(from, from + 50));
  }
  assert(world.pool.made <= 2, "only at the end of a segment is there more than one piece");
});

Deno.test("Outbox gathers small pieces of several logs in one write", async () => {
  const world = new OutboxWorld();
  for (const number of range(0, 50)) {
    if (number % 2 === 0) world.loose(number);
    else world.sure(number);
  }
  world.control(99);
  await world.turn();
  assertEquals(await world.take(), [99, ...range(0, 50)]);
});

Deno.test("Outbox.leaveIf() leaves only what is followed for that reason", async () => {
  const world = new OutboxWorld();
  const log = new ByteLog();
  const [follows, other] = [new CountingFollows(), new CountingFollows()];
  world.outbox.follow(log, follows);
  append(log, 1);
  world.outbox.leaveIf(other);
  append(log, 2);
  assertEquals([follows.count, other.count], [0, 0]);
  world.outbox.leaveIf(follows);
  append(log, 3);
  assertEquals(follows.count, 1);
  assertEquals(await world.takeAll(), [1, 2]);
});

Deno.test("Outbox parks at a shared log once it is written, and is woken once", async () => {
  const world = new OutboxWorld();
  const log = new CountingLog();
  world.outbox.follow(log, new CountingFollows());
  await world.turn();
  assertEquals([log.parks, world.transport.started], [1, 0]);
  for (const number of range(0, 100)) append(log, number);
  assertEquals(log.parks, 1);
  await world.turn();
  // While it writes it is not parked: appends cost it nothing at all.
  for (const number of range(100, 200)) append(log, number);
  await world.turn();
  assertEquals([log.parks, world.transport.started], [1, 1]);
  assertEquals(await world.take(), range(0, 100));
  assertEquals(await world.take(), range(100, 200));
  assertEquals([log.parks, world.transport.started], [2, 2]);
});

Deno.test("Outbox asks its owner for more whenever it could write", async () => {
  const world = new OutboxWorld();
  world.loose(1);
  await world.turn();
  assertEquals(world.pumps, 1);
  world.outbox.wake();
  await world.turn();
  assertEquals(world.pumps, 1, "not while a write is in flight");
  await world.take();
  assertEquals(world.pumps, 2);
});

Deno.test("Outbox.hasRoom ends 64 KB ahead of the socket", async () => {
  const world = new OutboxWorld();
  world.loose(0);
  await world.turn();
  let frames = 1;
  while (world.outbox.hasRoom) world.sure(frames++, 1000);
  assertEquals(frames, 67);
  await world.take();
  assert(world.outbox.hasRoom);
});

Deno.test("Outbox skips what may be skipped past the lag limit, and counts it", async () => {
  const world = new OutboxWorld({ lagBytesMax: 100_000 });
  const log = new ByteLog();
  world.loose(0);
  await world.turn();
  const sent = range(1, 3000);
  for (const number of sent) {
    if (number === 1000) world.outbox.follow(log, new CountingFollows());
    if (number % 100 === 0) world.sure(number, 100);
    else if (number < 1000) world.loose(number, 100);
    else {
      if (number % 100 === 1) world.outbox.follow(log, new CountingFollows());
      append(log, number, 100);
      if (number % 50 === 0) world.outbox.checkLag();
    }
  }
  const taken = await world.takeAll();
  assertEquals(taken, taken.toSorted((a, b) => a - b), "the order is kept");
  const isSure = (number: number) => number > 0 && number % 100 === 0;
  assertEquals(taken.filter(isSure), sent.filter(isSure));
  assert(world.lost > 1000 && taken.length > 400, `${world.lost} lost, ${taken.length} taken`);
  assertEquals(taken.length + world.lost, sent.length + 1);
});

Deno.test("Outbox skips half of a lag limit of any size", async () => {
  const world = new OutboxWorld({ lagBytesMax: 2 ** 40, highWaterBytes: 2 ** 40 });
  for (const number of range(0, 1000)) world.loose(number, 100);
  world.outbox.checkLag();
  assertEquals([world.lost, world.rooms], [0, []]);
  assertEquals(await world.takeAll(), range(0, 1000));
});

Deno.test("Outbox never reports a lag that lost nothing", async () => {
  const world = new OutboxWorld({ lagBytesMax: 1000 });
  world.sure(0);
  await world.turn();
  for (const number of range(1, 100)) world.sure(number, 1000);
  world.outbox.checkLag();
  assertEquals(world.lost, 0);
  assertEquals(await world.takeAll(), range(0, 100));
});

Deno.test("Outbox of a peer that reads nothing holds no more than its lag limit", async () => {
  const world = new OutboxWorld({ lagBytesMax: 100_000 });
  for (const number of range(0, 100_000)) {
    world.loose(number, 100);
    if (number === 0) await world.turn();
    assert(world.outbox.lag <= 100_000 + 16 * 1024 + 100);
  }
  assertEquals(world.transport.started, 1);
  const taken = await world.takeAll();
  assertEquals(taken.length + world.lost, 100_000);
});

Deno.test("Outbox has publishers wait past the high water mark, until a quarter is left", async () => {
  const world = new OutboxWorld({ highWaterBytes: 100_000 });
  world.loose(0);
  await world.turn();
  for (const number of range(1, 100)) world.loose(number, 1000);
  world.outbox.checkLag();
  assertEquals(world.rooms, []);
  for (const number of range(100, 120)) world.loose(number, 1000);
  world.outbox.checkLag();
  const [room] = world.rooms;
  assertFalse(room!.isClosed);
  await world.take();
  while (world.outbox.lag > 25_000) {
    assertFalse(room!.isClosed);
    await world.take();
  }
  if (world.transport.inFlight > 0) await world.take();
  assert(room!.isClosed);
  await world.takeAll();
  assertEquals(world.scheduler.size, 0);
});

Deno.test("Outbox of a peer that makes no progress slows nobody down after the stall time", async () => {
  const world = new OutboxWorld({ highWaterBytes: 1000, stallMs: 50 });
  world.loose(0, 5000);
  await world.turn();
  world.loose(1, 5000);
  world.outbox.checkLag();
  await world.clock.advance(49);
  assertFalse(world.rooms[0]!.isClosed);
  await world.clock.advance(1);
  assert(world.rooms[0]!.isClosed);
  world.outbox.checkLag();
  assertEquals(world.rooms.length, 1);
});

Deno.test("Outbox.finish() with drain writes all that waits, and nothing after", async () => {
  const world = new OutboxWorld();
  const log = new ByteLog();
  const follows = new CountingFollows();
  world.loose(1);
  await world.turn();
  world.sure(2);
  world.outbox.follow(log, follows);
  append(log, 3);
  world.control(4);
  world.outbox.finish(true);
  assertEquals([follows.count, world.outbox.isOpen, world.outbox.hasRoom], [1, false, false]);
  append(log, 5);
  assertEquals(await world.takeAll(), [1, 4, 2, 3]);
  assertEquals(world.ends, [{ isComplete: true, error: null }]);
  assertEquals([world.pumps, world.pool.taken.size], [1, 0]);
});

Deno.test("Outbox.finish() without drain writes control packets and nothing else", async () => {
  const world = new OutboxWorld();
  world.loose(1);
  await world.turn();
  world.loose(2);
  world.control(3);
  world.outbox.finish(false);
  assertEquals(await world.takeAll(), [1, 3]);
  assertEquals(world.ends, [{ isComplete: true, error: null }]);
});

Deno.test("Outbox.finish() with nothing to write ends with the turn", async () => {
  const world = new OutboxWorld();
  world.outbox.finish(true);
  assertEquals(world.ends, []);
  await world.turn();
  assertEquals(world.ends, [{ isComplete: true, error: null }]);
  world.outbox.finish(true);
  world.outbox.abort();
  await world.turn();
  assertEquals(world.ends.length, 1);
});

Deno.test("Outbox.flushControl() writes the responses that wait at once, and no message", async () => {
  const world = new OutboxWorld();
  world.loose(1);
  world.control(2);
  world.outbox.hold();
  assertEquals([world.outbox.flushControl(), world.transport.started], [false, 0]);
  world.outbox.release();
  assertEquals(world.outbox.flushControl(), true);
  assertEquals([world.transport.started, world.outbox.control.bytes], [1, 0]);
  world.control(3);
  // A write is in progress already.
  assertEquals(world.outbox.flushControl(), false);
  assertEquals([world.transport.started, world.outbox.control.bytes > 0], [1, true]);
  assertEquals(await world.takeAll(), [2, 3, 1]);
});

Deno.test("Outbox.abort() writes nothing more, and ends once", async () => {
  const world = new OutboxWorld();
  const follows = new CountingFollows();
  world.loose(1);
  await world.turn();
  world.outbox.follow(new ByteLog(), follows);
  world.control(2);
  world.outbox.abort();
  world.outbox.abort();
  assertEquals([world.ends, follows.count], [[{ isComplete: false, error: null }], 1]);
  world.transport.take();
  world.outbox.wake();
  await world.turn();
  assertEquals([world.transport.started, world.scheduler.size], [1, 0]);
});

Deno.test("Outbox ends with the error of a write that fails", async () => {
  const world = new OutboxWorld({ highWaterBytes: 1 });
  const error = new Error("Broken pipe");
  world.loose(1, 100);
  await world.turn();
  world.loose(2, 100);
  world.outbox.checkLag();
  world.transport.fail(error);
  await world.turn();
  assertEquals(world.ends, [{ isComplete: false, error }]);
  assert(world.rooms[0]!.isClosed, "nobody waits for it any more");
  assertEquals([world.transport.started, world.scheduler.size], [1, 0]);
});

/** Frames of a random walk say by their number what they are. */
const CONTROL_FROM = 10_000_000;

/** Does something random to an outbox; keeps what was appended in order. */
class RandomWalk {
  readonly world: OutboxWorld;
  /** Numbers of the messages that were appended, and which of them may be skipped. */
  readonly messages: number[] = [];
  readonly sure = new Set<number>();
  controls = 0;
  readonly #random: ReturnType<typeof randomFrom>;
  readonly #logs = [new ByteLog(), new ByteLog()];
  #followed: ByteLog | null = null;
  #next = 0;

  constructor(seed: number, lagBytesMax: number) {
    this.#random = randomFrom(seed);
    this.world = new OutboxWorld({ lagBytesMax });
  }

  /** Bytes of a frame: mostly few. */
  #size(): number {
    return 8 + (this.#random(50) === 0 ? this.#random(40_000) : this.#random(300));
  }

  /** How many bytes of a frame are copied, so that the rest is not; 0 for a whole frame. */
  #headBytes(bytes: number): number {
    return this.#random(3) === 0 ? 1 + this.#random(Math.min(bytes - 1, 40)) : 0;
  }

  async step(): Promise<void> {
    const { world } = this;
    const action = this.#random(12);
    if (action === 0) world.control(CONTROL_FROM + this.controls++, this.#size());
    else if (action < 3 && world.outbox.hasRoom) this.#sure();
    else if (action < 5) this.#loose();
    else if (action < 9) this.#shared();
    else if (action === 9) world.outbox.checkLag();
    else if (action === 10) await world.turn();
    else if (world.transport.inFlight > 0) {
      world.transport.take(1 + this.#random(world.transport.inFlight));
      await world.turn();
    }
  }

  #sure(): void {
    this.sure.add(this.#next);
    this.messages.push(this.#next);
    this.#followed = null;
    this.#own(true);
  }

  #loose(): void {
    this.messages.push(this.#next);
    this.#followed = null;
    this.#own(false);
  }

  #own(sure: boolean): void {
    const bytes = this.#size();
    const headBytes = this.#headBytes(bytes);
    if (headBytes > 0) this.world.split(this.#next++, bytes, headBytes, sure);
    else if (sure) this.world.sure(this.#next++, bytes);
    else this.world.loose(this.#next++, bytes);
  }

  /** What goes to a shared log is for this outbox only while it follows. */
  #shared(): void {
    const log = this.#logs[this.#random(2)]!;
    if (this.#random(3) === 0) {
      if (this.#followed !== log) this.world.outbox.follow(log, new CountingFollows());
      this.#followed = log;
    }
    if (this.#followed === log) this.messages.push(this.#next);
    const bytes = this.#size();
    const headBytes = this.#headBytes(bytes);
    if (headBytes > 0) appendSplit(log, this.#next++, bytes, headBytes);
    else append(log, this.#next++, bytes);
  }
}

/** All bytes of several writes, one after the other. */
function joined(writes: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(writes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const write of writes) {
    all.set(write, at);
    at += write.length;
  }
  return all;
}

Deno.test("Outbox loses, splits and misplaces nothing through random walks", async () => {
  const seed = newSeed();
  for (let walk = 0; walk < 20; walk++) {
    const isBounded = walk % 2 === 0;
    const random = new RandomWalk(seed + walk, isBounded ? 30_000 : 1e9);
    const { world } = random;
    for (let step = 0; step < 1500; step++) await random.step();
    world.outbox.finish(true);
    await world.drain();
    const where = `walk ${walk}, seed ${seed}`;
    const numbers = frameNumbers(joined(world.transport.writes));
    const controls = numbers.filter((number) => number >= CONTROL_FROM);
    assertEquals(controls, range(CONTROL_FROM, CONTROL_FROM + random.controls), where);
    const messages = numbers.filter((number) => number < CONTROL_FROM);
    assertEquals(messages.length + world.lost, random.messages.length, where);
    const arrived = new Set(messages);
    assertEquals(messages, random.messages.filter((number) => arrived.has(number)), where);
    assert(random.sure.isSubsetOf(arrived), where);
    assertEquals(world.ends, [{ isComplete: true, error: null }], where);
    assertEquals([world.outbox.lag, world.scheduler.size], [0, 0], where);
    assertEquals(world.lost > 0, isBounded, where);
    if (!isBounded) assertEquals(world.pool.taken.size, 0, where);
  }
});

Deno.test("Outbox goes on at once while the pipe takes all, and waits for what it does not take", async () => {
  const world = new OutboxWorld();
  const taken: number[] = [];
  let room = 12_000;
  world.pipe.write = (source) => {
    const bytes = Math.min(room, source.length);
    room -= bytes;
    taken.push(bytes);
    return bytes;
  };
  // The second piece is too large to be put together with the others.
  world.loose(1, 1000);
  world.loose(2, 9000);
  world.sure(3, 1000);
  world.loose(4, 5000);
  await world.turn();
  assertEquals(taken.reduce((sum, bytes) => sum + bytes, 0), 12_000);
  assertEquals([world.sentBytes, world.writes], [12_000, 1]);
  world.loose(5, 10);
  await world.turn();
  assertEquals(world.sentBytes, 12_000);
  room = 1_000_000;
  world.outbox.onWritten(4000 - 1);
  assertEquals([world.sentBytes, world.left], [15_999, 4]);
  world.outbox.onWritten(1);
  assertEquals([world.sentBytes, world.left, world.outbox.lag], [16_010, 5, 0]);
});

Deno.test("Outbox ends with the error of a pipe that has broken", async () => {
  const world = new OutboxWorld();
  const error = new Error("EPIPE");
  world.pipe.write = () => {
    throw error;
  };
  world.loose(1);
  await world.turn();
  assertEquals(world.ends, [{ isComplete: false, error }]);
  assertFalse(world.outbox.isOpen);
});

Deno.test("Outbox writes nothing within a frame whose end is not copied", async () => {
  const world = new OutboxWorld();
  world.split(1, 5000, 20, true);
  await world.turn();
  const parts = [...world.transport.take()];
  assertEquals(parts.length, 20);
  world.control(2);
  world.sure(3);
  world.outbox.finish(false);
  for (let turn = 0; turn < 2; turn++) await world.turn();
  parts.push(...world.transport.take());
  assertEquals(frameNumbers(Uint8Array.from(parts)), [1]);
  await world.turn();
  // What waited behind it is discarded, and what the broker says last is not.
  assertEquals(await world.take(), [2]);
  assertEquals([world.ends, world.left], [[{ isComplete: true, error: null }], 1]);
});

Deno.test("Outbox.flushControl() writes nothing between two parts of a frame", async () => {
  const world = new OutboxWorld();
  world.split(1, 5000, 20, true);
  await world.turn();
  const parts = [...world.transport.take()];
  await world.clock.settle();
  // The first part has left, and the turn of the rest has not come.
  assertEquals(world.transport.inFlight, 0);
  world.control(2);
  assertEquals([world.outbox.flushControl(), world.transport.inFlight], [false, 0]);
  await world.turn();
  parts.push(...world.transport.take());
  assertEquals(frameNumbers(Uint8Array.from(parts)), [1]);
});

Deno.test("Outbox writes a large frame in parts, one for each turn", async () => {
  const world = new OutboxWorld();
  const bytes = 2 * 1024 * 1024;
  world.split(1, bytes, 20, false);
  const parts: number[] = [];
  const isWoken: boolean[] = [];
  const { flushLater } = world;
  world.flushLater = (outbox, woken = false) => {
    isWoken.push(woken);
    flushLater.call(world, outbox);
  };
  for (await world.turn(); world.transport.inFlight > 0; await world.turn()) {
    parts.push(world.transport.inFlight);
    world.transport.take();
    await world.clock.settle();
    assertEquals(world.transport.inFlight, 0);
  }
  const part = 512 * 1024;
  assertEquals(parts, [20, part, part, part, part - 20]);
  // Those with little to write are not to wait behind it.
  assertEquals(new Set(isWoken), new Set([true]));
  assertEquals(frameNumbers(joined(world.transport.writes)), [1]);
  assertEquals([world.outbox.lag, world.left, world.sentBytes], [0, 1, bytes]);
});

Deno.test("Outbox drops the end of a frame that it was writing when it is aborted", async () => {
  const world = new OutboxWorld();
  world.split(1, 5000, 20, true);
  await world.turn();
  world.outbox.abort();
  world.transport.take();
  await world.turn();
  assertEquals([world.transport.inFlight, world.ends.length], [0, 1]);
});

Deno.test("Outbox skips frames whose end is not copied as a whole", async () => {
  const world = new OutboxWorld({ lagBytesMax: 65_536 });
  world.loose(0);
  await world.turn();
  for (let number = 1; number <= 100; number++) world.split(number, 5000, 20, false);
  world.outbox.checkLag();
  await world.drain();
  const [first, ...arrived] = frameNumbers(joined(world.transport.writes));
  assertEquals([first, arrived], [0, range(101 - arrived.length, 101)]);
  assertEquals(world.lost, 100 - arrived.length);
  assert(world.lost > 0 && arrived.length > 0, `${world.lost}`);
});
