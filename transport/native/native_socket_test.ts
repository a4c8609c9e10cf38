import { assert, assertEquals, assertThrows } from "@std/assert";
import { SystemCallError } from "./errno.ts";
import type { FallibleCall } from "./testdata/fake_libc.ts";
import { NativeWorld } from "./testdata/native_world.ts";

const LAYOUTS = [{ size: 12, dataOffset: 4 }, { size: 16, dataOffset: 8 }];

for (const eventLayout of LAYOUTS) {
  Deno.test(`NativeSocket receives what has come, and then the end (events of ${eventLayout.size} bytes)`, async () => {
    const world = new NativeWorld({ eventLayout });
    const { socket, receiver, peer } = world.open();
    socket.start();
    await world.settle();
    assertEquals([receiver.events, world.libc.isWaiting], [[], true]);
    peer.send(Uint8Array.of(1, 2, 3));
    await world.settle();
    peer.send(Uint8Array.of(4));
    peer.end();
    await world.settle();
    assertEquals([...receiver.bytes], [1, 2, 3, 4]);
    assertEquals(receiver.events, ["received 3", "received 1", "ended well", "ended well"]);
    assert(peer.isClosed);
    await world.close();
  });
}

Deno.test("NativeSocket reads nothing while it is paused, and asks for nothing again and again", async () => {
  const world = new NativeWorld();
  const { socket, receiver, peer } = world.open();
  receiver.afterRead = () => socket.pause();
  socket.start();
  peer.send(Uint8Array.of(1));
  await world.settle();
  peer.send(Uint8Array.of(2));
  await world.settle();
  const polls = world.libc.counts.get("epollWait");
  await world.settle();
  assertEquals([receiver.events, peer.unreadBytes], [["received 1"], 1]);
  assertEquals([world.libc.counts.get("epollWait"), world.libc.isWaiting], [polls, true]);
  receiver.afterRead = () => {};
  socket.resume();
  await world.settle();
  assertEquals([...receiver.bytes], [1, 2]);
  socket.close();
  await world.close();
});

Deno.test("NativeSocket that is paused and resumed at once makes no call for it", async () => {
  const world = new NativeWorld();
  const { socket, receiver, peer } = world.open();
  receiver.afterRead = () => {
    socket.pause();
    socket.resume();
  };
  socket.start();
  for (let i = 0; i < 5; i++) {
    peer.send(Uint8Array.of(i));
    await world.settle();
  }
  // One for the eventfd, one for the socket.
  assertEquals([receiver.bytes.length, world.libc.counts.get("epollCtl")], [5, 2]);
  socket.close();
  await world.close();
});

Deno.test("NativeSocket writes what the kernel takes, and the rest when there is room", async () => {
  const world = new NativeWorld({ sendBytesMax: 10 });
  const { socket, receiver, peer } = world.open();
  socket.start();
  const source = Uint8Array.from({ length: 25 }, (_, i) => i);
  assertEquals(socket.write(source), 10);
  await world.settle();
  assertEquals(receiver.events, []);
  const taken = [...peer.take(4)];
  await world.settle();
  assertEquals(receiver.events, ["written 4"]);
  taken.push(...peer.take());
  await world.settle();
  taken.push(...peer.take());
  await world.settle();
  taken.push(...peer.take());
  assertEquals(receiver.events, ["written 4", "written 10", "written 1"]);
  assertEquals(taken, [...source]);
  await world.settle();
  const changes = world.libc.counts.get("epollCtl")!;
  assertEquals(socket.write(Uint8Array.of(1)), 1);
  await world.settle();
  assertEquals([world.libc.counts.get("epollCtl"), world.libc.isWaiting], [changes, true]);
  socket.close();
  await world.close();
});

Deno.test("NativeSocket gives nobody more than 256 KB in a round", async () => {
  const world = new NativeWorld({ sendBytesMax: 10_000_000 });
  const { socket, receiver, peer } = world.open();
  socket.start();
  const piece = new Uint8Array(64 * 1024);
  let writes = 0;
  while (socket.write(piece) === piece.length) writes++;
  assertEquals(writes, 4);
  await world.settle();
  assertEquals([receiver.events, peer.take().length], [["written 65536"], 5 * piece.length]);
  socket.close();
  await world.close();
});

const FATAL = [
  "ECONNRESET",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ECONNREFUSED",
  "ENOTCONN",
  "EIO",
  "EPIPE",
  "EBADF",
] as const;
const TRANSIENT = ["EAGAIN", "EINTR", "ENOBUFS", "ENOMEM"] as const;

for (const name of FATAL) {
  Deno.test(`NativeSocket ends with ${name} of recv, and fails a write with ${name} of send`, async () => {
    const world = new NativeWorld({ sendBytesMax: 10 });
    const { socket, receiver, peer } = world.open();
    world.libc.fail("recv", name);
    socket.start();
    peer.send(Uint8Array.of(1));
    await world.settle();
    assertEquals(receiver.events, [`ended ${name}`, "ended well"]);
    const other = world.open();
    other.socket.start();
    world.libc.fail("send", name);
    const error = assertThrows(() => other.socket.write(Uint8Array.of(1)), SystemCallError, name);
    assertEquals(error.code, name);
    // And later, for the rest of a write.
    assertEquals(other.socket.write(new Uint8Array(20)), 10);
    world.libc.fail("send", name);
    other.peer.take();
    await world.settle();
    assertEquals(other.receiver.events, [`write failed ${name}`]);
    other.socket.close();
    await world.close();
  });
}

for (const name of TRANSIENT) {
  Deno.test(`NativeSocket tries again after ${name}`, async () => {
    const world = new NativeWorld();
    const { socket, receiver, peer } = world.open();
    socket.start();
    world.libc.fail("recv", name);
    peer.send(Uint8Array.of(7));
    await world.settle();
    assertEquals([...receiver.bytes], [7]);
    world.libc.fail("send", name, name);
    assertEquals(socket.write(Uint8Array.of(1, 2)), 0);
    await world.settle();
    assertEquals([receiver.events.at(-1), [...peer.take()]], ["written 2", [1, 2]]);
    socket.close();
    await world.close();
  });
}

Deno.test("NativeSocket finds out about a reset, whatever it is doing", async () => {
  const doings: Record<string, (world: ReturnType<NativeWorld["open"]>) => void> = {
    reading: () => {},
    writing: ({ socket }) => void socket.write(new Uint8Array(100)),
    paused: ({ socket }) => socket.pause(),
    "paused and writing": ({ socket }) => {
      socket.pause();
      socket.write(new Uint8Array(100));
    },
  };
  for (const [doing, act] of Object.entries(doings)) {
    const world = new NativeWorld({ sendBytesMax: 10 });
    const opened = world.open();
    const { socket, receiver, peer } = opened;
    socket.start();
    act(opened);
    await world.settle();
    peer.reset();
    await world.settle();
    // Nothing is asked again and again, though the kernel reports the error at each poll.
    assertEquals(world.libc.isWaiting || world.loop.size === 0, true, doing);
    if (doing.includes("writing")) assertEquals(receiver.events[0], "write failed EPIPE", doing);
    if (doing.includes("paused")) socket.resume();
    await world.settle();
    assert(receiver.events.includes("ended ECONNRESET"), `${doing}: ${receiver.events}`);
    assert(peer.isClosed, doing);
    await world.close();
  }
});

for (const name of TRANSIENT) {
  Deno.test(`NativeSocket that is paused finds out about a reset after ${name} of send`, async () => {
    const world = new NativeWorld({ sendBytesMax: 10 });
    const { socket, receiver, peer } = world.open();
    socket.start();
    socket.pause();
    socket.write(new Uint8Array(100));
    await world.settle();
    world.libc.fail("send", name);
    peer.reset();
    await world.settle();
    assertEquals(receiver.events, ["write failed EPIPE"]);
    socket.close();
    await world.close();
  });
}

Deno.test("NativeSocket that is paused learns of the end of both directions when it goes on", async () => {
  const world = new NativeWorld();
  const { socket, receiver, peer } = world.open();
  socket.start();
  socket.pause();
  socket.closeWrite();
  peer.send(Uint8Array.of(9));
  peer.end();
  await world.settle();
  assertEquals([receiver.events, peer.isFinished, world.libc.isWaiting], [[], true, false]);
  assertEquals(world.loop.size, 0);
  socket.resume();
  await world.settle();
  assertEquals(receiver.events, ["received 1", "ended well", "ended well"]);
  await world.close();
});

Deno.test("NativeSocket says after close() that it has ended, but not while it is paused", async () => {
  for (const isPaused of [false, true]) {
    const world = new NativeWorld();
    const { socket, receiver, peer } = world.open();
    socket.start();
    if (isPaused) socket.pause();
    socket.close();
    assertEquals([receiver.events, peer.isClosed], [[], true]);
    await world.settle();
    assertEquals(receiver.events, isPaused ? [] : ["ended well"]);
    assertThrows(() => socket.write(Uint8Array.of(1)), Error, "closed");
    socket.close();
    socket.closeWrite();
    await world.close();
  }
});

for (const name of ["ENOMEM", "ENOSPC", "EPERM"] as const) {
  Deno.test(`NativeSocket ends if it cannot be watched: ${name} of epoll_ctl`, async () => {
    const world = new NativeWorld({ sendBytesMax: 10 });
    const { socket, receiver, peer } = world.open();
    world.libc.fail("epollCtl", name);
    socket.start();
    await world.settle();
    assertEquals([receiver.events[0], peer.isClosed], [`ended ${name}`, true]);
    const other = world.open();
    other.socket.start();
    world.libc.fail("epollCtl", name);
    other.socket.write(new Uint8Array(20));
    await world.settle();
    assertEquals([other.receiver.events[0], other.peer.isClosed], [`ended ${name}`, true]);
    await world.close();
  });
}

Deno.test("NativeSocket is closed after any result of close and shutdown", async () => {
  for (const name of ["EINTR", "EIO", "ENOTCONN"] as const) {
    const world = new NativeWorld();
    const { socket, peer } = world.open();
    socket.start();
    for (const call of ["close", "shutdown"] satisfies FallibleCall[]) world.libc.fail(call, name);
    socket.closeWrite();
    socket.close();
    await world.settle();
    assert(peer.isClosed);
    await world.close();
  }
});
