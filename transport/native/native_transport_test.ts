import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { NativeSocket } from "./native_socket.ts";
import { NativeTransport } from "./native_transport.ts";
import type { FakePeer } from "./testdata/fake_libc.ts";
import { NativeWorld, RecordingReceiver } from "./testdata/native_world.ts";

/** A world with one transport. */
function open(
  sendBytesMax = 1000,
): { world: NativeWorld; transport: NativeTransport; peer: FakePeer } {
  const world = new NativeWorld({ sendBytesMax });
  const { fd, peer } = world.libc.socketPair();
  return { world, transport: new NativeTransport(world.loop, fd), peer };
}

Deno.test("NativeTransport is read and written by promises, and then as a pipe", async () => {
  const { world, transport, peer } = open();
  const target = new Uint8Array(2);
  const reading = transport.read(target);
  peer.send(Uint8Array.of(1, 2, 3));
  await world.settle();
  assertEquals([await reading, [...target], peer.unreadBytes], [2, [1, 2], 1]);
  assertEquals(await transport.write(Uint8Array.of(7)), 1);
  assertEquals([...peer.take()], [7]);
  const receiver = new RecordingReceiver();
  const pipe = transport.pipe(receiver);
  assertEquals(receiver.events, []);
  pipe.start();
  await world.settle();
  assertEquals([...receiver.bytes], [3]);
  pipe.close();
  await world.close();
});

Deno.test("NativeTransport.write() resolves when the kernel has taken all", async () => {
  const { world, transport, peer } = open(10);
  let written = 0;
  const writing = transport.write(new Uint8Array(25)).then((bytes) => written = bytes);
  await assertRejects(() => transport.write(Uint8Array.of(1)), Error, "another write waits");
  for (let i = 0; i < 2; i++) {
    peer.take();
    await world.settle();
    assertEquals(written, i === 0 ? 0 : 25);
  }
  await writing;
  transport.close();
  await world.close();
});

Deno.test("NativeTransport.read() ends with the stream, with its error, and with close()", async () => {
  for (const how of ["end", "reset", "close"] as const) {
    const { world, transport, peer } = open();
    const reading = transport.read(new Uint8Array(4)).then(String, (error) => error.message);
    await assertRejects(() => transport.read(new Uint8Array(4)), Error, "another read waits");
    if (how === "close") transport.close();
    else peer[how]();
    await world.settle();
    const expected = {
      end: "null",
      reset: "Cannot recv: ECONNRESET",
      close: "The socket is closed",
    };
    assertEquals(await reading, expected[how]);
    assertEquals(
      await transport.read(new Uint8Array(1)).then(String, (error) => error.message),
      expected[how],
    );
    transport.close();
    await world.close();
  }
});

Deno.test("NativeTransport rejects a write that fails at once, later, or at close()", async () => {
  const { world, transport, peer } = open(10);
  world.libc.fail("send", "EPIPE");
  await assertRejects(() => transport.write(Uint8Array.of(1)), Error, "EPIPE");
  const later = transport.write(new Uint8Array(20)).then(String, (error) => error.message);
  world.libc.fail("send", "ECONNRESET");
  peer.take();
  await world.settle();
  assertEquals(await later, "Cannot send: ECONNRESET");
  const cut = transport.write(new Uint8Array(20)).then(String, (error) => error.message);
  await transport.closeWrite();
  transport.close();
  assertEquals(await cut, "The socket is closed");
  await world.close();
});

Deno.test("NativeTransport.detach() leaves the socket open for who adopts it, with what was read", async () => {
  const { world, transport, peer } = open();
  const target = new Uint8Array(4);
  const reading = transport.read(target);
  peer.send(Uint8Array.of(1, 2, 3));
  await world.settle();
  const { fd, unread } = transport.detach(target.subarray(0, await reading as number));
  assertEquals([[...unread], world.loop.size, peer.isClosed], [[1, 2, 3], 0, false]);
  // What comes while nobody has it waits in the kernel, and is read after the rest.
  peer.send(Uint8Array.of(4, 5));
  peer.end();
  for (const asPipe of [false, true]) {
    const adopted = new NativeTransport(world.loop, fd, unread);
    if (!asPipe) {
      const small = new Uint8Array(2);
      assertEquals([await adopted.read(small), [...small]], [2, [1, 2]]);
      assertEquals([...adopted.detach().unread], [3]);
      continue;
    }
    const receiver = new RecordingReceiver();
    const pipe = adopted.pipe(receiver);
    pipe.start();
    await world.settle();
    assertEquals([...receiver.bytes], [1, 2, 3, 4, 5]);
    assertEquals(receiver.events, ["received 3", "received 2", "ended well"]);
    pipe.close();
  }
  await world.close();
});

Deno.test("NativeTransport.detach() refuses while something waits, and after close()", async () => {
  const { world, transport } = open(10);
  const message = "Cannot detach a socket";
  const reading = transport.read(new Uint8Array(1));
  assertThrows(() => transport.detach(), Error, message);
  const writing = transport.write(new Uint8Array(20));
  assertThrows(() => transport.detach(), Error, message);
  transport.close();
  await assertRejects(() => reading, Error, "closed");
  await assertRejects(() => writing, Error, "closed");
  assertThrows(() => transport.detach(), Error, message);
  await world.close();
});

Deno.test("NativeTransport that was adopted pushes nothing while it is paused, and finds out about a reset", async () => {
  const { world, transport, peer } = open();
  const { fd } = transport.detach();
  const adopted = new NativeTransport(world.loop, fd, Uint8Array.of(1, 2));
  const receiver = new RecordingReceiver();
  const pipe = receiver.socket = adopted.pipe(receiver) as NativeSocket;
  pipe.start();
  pipe.pause();
  peer.reset();
  await world.settle();
  assertEquals(receiver.events, []);
  pipe.resume();
  await world.settle();
  assertEquals(receiver.events.slice(0, 2), ["received 2", "ended ECONNRESET"]);
  await world.close();
});

Deno.test("NativeTransport that was adopted and is paused asks for nothing again and again after a failed write", async () => {
  const { world, transport, peer } = open(10);
  const { fd } = transport.detach();
  const adopted = new NativeTransport(world.loop, fd, Uint8Array.of(1, 2));
  const receiver = new RecordingReceiver();
  const pipe = receiver.socket = adopted.pipe(receiver) as NativeSocket;
  pipe.start();
  pipe.pause();
  pipe.write(new Uint8Array(100));
  await world.settle();
  peer.reset();
  await world.settle();
  assertEquals([receiver.events, world.loop.size], [["write failed EPIPE"], 0]);
  pipe.resume();
  await world.settle();
  assertEquals(receiver.events.slice(1, 3), ["received 2", "ended ECONNRESET"]);
  await world.close();
});
