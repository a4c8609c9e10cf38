import { assert, assertEquals, assertThrows } from "@std/assert";
import { SystemCallError } from "./errno.ts";
import { EventLoop } from "./event_loop.ts";
import { EPOLLIN } from "./libc.ts";
import { FakeLibc } from "./testdata/fake_libc.ts";
import { NativeWorld } from "./testdata/native_world.ts";

Deno.test("EventLoop runs while something is watched, and then leaves nothing pending", async () => {
  const world = new NativeWorld();
  assertEquals(world.libc.counts.get("epollWait") ?? 0, 0);
  const { socket } = world.open();
  socket.start();
  await world.settle();
  assertEquals([world.loop.size, world.libc.isWaiting], [1, true]);
  socket.close();
  await world.settle();
  assertEquals([world.loop.size, world.libc.isWaiting], [0, false]);
  const polls = world.libc.counts.get("epollWait");
  await world.clock.advance(60_000);
  assertEquals(world.libc.counts.get("epollWait"), polls);
  // It starts again, and the wake-up of before is not there any more.
  const again = world.open();
  again.socket.start();
  await world.settle();
  assert(world.libc.isWaiting);
  again.socket.close();
  await world.close();
});

Deno.test("EventLoop.close() wakes the thread that waits, and closes no sockets", async () => {
  const world = new NativeWorld();
  const { socket, peer } = world.open();
  socket.start();
  await world.settle();
  const closing = world.loop.close();
  await world.settle();
  await closing;
  assertEquals([world.libc.isWaiting, peer.isClosed, world.libc.openCount], [false, false, 1]);
});

Deno.test("EventLoop does not take an event of a closed descriptor for one of the next", async () => {
  const world = new NativeWorld();
  const first = world.open();
  const second = world.open();
  first.socket.start();
  second.socket.start();
  await world.settle();
  let third: ReturnType<NativeWorld["open"]> | undefined;
  // Both are ready in one round. The first closes the second, whose number is given out again.
  first.receiver.afterRead = () => {
    second.socket.close();
    third = world.open();
    third.socket.start();
  };
  first.peer.send(Uint8Array.of(1));
  second.peer.send(Uint8Array.of(2));
  await world.settle();
  assertEquals(third!.receiver.events, []);
  third!.peer.send(Uint8Array.of(3));
  await world.settle();
  assertEquals(third!.receiver.events, ["received 1"]);
  first.socket.close();
  third!.socket.close();
  await world.close();
});

Deno.test("EventLoop handles all that is ready, more than one call reports", async () => {
  const world = new NativeWorld();
  const all = Array.from({ length: 600 }, () => world.open());
  for (const { socket, peer } of all) {
    socket.start();
    peer.send(Uint8Array.of(1));
  }
  await world.settle();
  assert(all.every(({ receiver }) => receiver.bytes.length === 1));
  for (const { socket } of all) socket.close();
  await world.close();
});

Deno.test("EventLoop reports what a handler throws, and goes on", async () => {
  const world = new NativeWorld();
  const faulty = world.open();
  const other = world.open();
  const error = new Error("as planned");
  faulty.receiver.afterRead = () => {
    throw error;
  };
  for (const { socket, peer } of [faulty, other]) {
    socket.start();
    peer.send(Uint8Array.of(1));
  }
  await world.settle();
  assertEquals([world.errors, other.receiver.bytes.length], [[error], 1]);
  faulty.socket.close();
  other.socket.close();
  await world.close();
});

Deno.test("EventLoop passes over EINTR of epoll_wait, and reports any other error", async () => {
  for (const name of ["EINTR", "ENOMEM", "EBADF", "EINVAL", "EFAULT"] as const) {
    const world = new NativeWorld();
    const { socket, receiver, peer } = world.open();
    world.libc.fail("epollWait", name);
    socket.start();
    peer.send(Uint8Array.of(1));
    await world.settle();
    assertEquals(receiver.bytes.length, 1);
    assertEquals(
      world.errors.map((error) => (error as SystemCallError).code),
      name === "EINTR" ? [] : [name],
    );
    socket.close();
    await world.close();
  }
});

Deno.test("EventLoop is not made without descriptors, and then leaves none open", () => {
  for (const call of ["epollCreate", "eventfd"] as const) {
    for (const name of ["EMFILE", "ENFILE", "ENOMEM"] as const) {
      const libc = new FakeLibc();
      libc.fail(call, name);
      const make = () => new EventLoop(libc, { now: () => 0, schedule: () => () => {} }, () => {});
      assertEquals(assertThrows(make, SystemCallError).code, name);
      assertEquals([libc.openCount, libc.misuses], [0, []]);
    }
  }
});

Deno.test("EventLoop.remove() leaves the descriptor open", async () => {
  const world = new NativeWorld();
  const { fd, peer } = world.libc.socketPair();
  let ready = 0;
  world.loop.add(fd, EPOLLIN, { onReady: () => void ready++ });
  world.loop.remove(fd);
  peer.send(Uint8Array.of(1));
  await world.settle();
  assertEquals([ready, world.loop.size, peer.isClosed], [0, 0, false]);
  world.libc.close(fd);
  await world.close();
});

Deno.test("EventLoop waits in another thread soon, however long the turns of the runtime take", async () => {
  const libc = new FakeLibc();
  const { fd, peer } = libc.socketPair();
  const turns: (() => void)[] = [];
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    schedule: () => () => {},
    soon: (callback: () => void) => void turns.push(callback),
  };
  const loop = new EventLoop(libc, clock, () => {});
  let ready = 0;
  loop.add(fd, EPOLLIN, { onReady: () => void ready++ });
  const run = () => {
    let count = 0;
    for (let turn = turns.shift(); turn !== undefined && count < 1000; turn = turns.shift()) {
      nowMs += 0.1;
      count++;
      turn();
    }
    return count;
  };
  assert(run() < 20);
  assert(libc.isWaiting);
  // What comes then ends the wait, and the next one begins as soon.
  peer.reset();
  await Promise.resolve();
  await Promise.resolve();
  loop.remove(fd);
  assert(ready > 0);
  run();
  libc.close(fd);
  const closing = loop.close();
  run();
  await closing;
  assertEquals([libc.openCount, libc.misuses], [0, []]);
});

Deno.test("EventLoop does not wait while somebody waits for steps of the runtime", async () => {
  const world = new NativeWorld();
  const { socket, receiver, peer } = world.open();
  socket.start();
  await world.settle();
  let stepsLeft = 50;
  Object.defineProperty(world.clock, "isPollAwaited", { get: () => --stepsLeft > 0 });
  const briefWaits = () => world.libc.counts.get("epollReady") ?? 0;
  const before = briefWaits();
  peer.send(Uint8Array.of(1));
  receiver.afterRead = () => assertEquals(world.libc.isWaiting, false);
  await world.clock.advance(0);
  assertEquals([stepsLeft <= 0, world.libc.isWaiting], [true, true]);
  // It has polled all the time, and waits as ever when nobody waits for it.
  assert((world.libc.counts.get("epollWait") ?? 0) >= 50);
  assert(briefWaits() - before <= 1);
  socket.close();
  await world.close();
});
