import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { frame } from "../tests/harness/websocket_client.ts";
import { NativeTransport } from "./native/native_transport.ts";
import type { FakePeer } from "./native/testdata/fake_libc.ts";
import { NativeWorld, RecordingReceiver } from "./native/testdata/native_world.ts";
import { WebSocketPipe } from "./websocket_pipe.ts";

const BINARY = 2;
const CLOSE = 8;
const PING = 9;

interface Opened {
  readonly world: NativeWorld;
  readonly pipe: WebSocketPipe;
  readonly receiver: RecordingReceiver;
  readonly peer: FakePeer;
}

/** An open WebSocket over a kernel that holds so many bytes to be sent. */
function open(sendBytesMax = 1_000_000): Opened {
  const world = new NativeWorld({ sendBytesMax });
  const { fd, peer } = world.libc.socketPair();
  const receiver = new RecordingReceiver();
  const pipe = new WebSocketPipe(new NativeTransport(world.loop, fd), receiver);
  pipe.start();
  return { world, pipe, receiver, peer };
}

/** Takes everything that is written, as the kernel has room for it. */
async function takeAll({ world, peer }: Opened): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for (let bytes = peer.take(); bytes.length > 0; bytes = peer.take()) {
    all.push(bytes);
    await world.settle();
  }
  return concat(all);
}

Deno.test("WebSocketPipe pushes what is in the frames, in any pieces", async () => {
  const { world, pipe, receiver, peer } = open();
  const frames = Uint8Array.of(
    ...frame(BINARY, Uint8Array.of(1, 2, 3)),
    ...frame(BINARY, new Uint8Array(200).fill(9)),
  );
  for (const byte of frames.subarray(0, 20)) {
    peer.send(Uint8Array.of(byte));
    await world.settle();
  }
  peer.send(frames.subarray(20));
  await world.settle();
  assertEquals([...receiver.bytes], [1, 2, 3, ...new Uint8Array(200).fill(9)]);
  pipe.close();
  await world.close();
});

Deno.test("WebSocketPipe.write() tells of a frame when all of it was taken", async () => {
  for (const size of [100, 20_000, 150_000]) {
    const opened = open(1000);
    const { world, pipe, receiver, peer } = opened;
    const source = Uint8Array.from({ length: size }, (_, i) => i);
    const atOnce = pipe.write(source);
    assertEquals(atOnce, size === 100 ? 100 : 0);
    // A pong goes between frames, and the last ping is the one that is answered.
    for (const number of [1, 2]) peer.send(frame(PING, Uint8Array.of(number)));
    await world.settle();
    const bytes = await takeAll(opened);
    const told = receiver.events.filter((event) => event.startsWith("written"))
      .reduce((sum, event) => sum + Number(event.split(" ")[1]), atOnce);
    assertEquals(told, size);
    const payload: number[] = [];
    const pongs: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const isLong = bytes[at + 1] === 126;
      const length = isLong ? bytes[at + 2]! << 8 | bytes[at + 3]! : bytes[at + 1]!;
      const start = at + (isLong ? 4 : 2);
      const target = bytes[at] === 0x82 ? payload : pongs;
      for (let i = start; i < start + length; i++) target.push(bytes[i]!);
      at = start + length;
    }
    assertEquals(payload, [...source]);
    assertEquals(pongs.at(-1), 2);
    pipe.close();
    await world.close();
  }
});

Deno.test("WebSocketPipe answers a close frame, and has its receiver handle first what came before", async () => {
  const { world, pipe, receiver, peer } = open();
  receiver.afterRead = () => pipe.pause();
  peer.send(Uint8Array.of(...frame(BINARY, Uint8Array.of(7)), ...frame(CLOSE, new Uint8Array(0))));
  await world.settle();
  assertEquals([receiver.events, peer.take().toHex()], [["received 1"], "880203e8"]);
  pipe.resume();
  await world.settle();
  assertEquals(receiver.events, ["received 1", "ended well"]);
  assertThrows(() => pipe.write(Uint8Array.of(1)), Error, "The WebSocket is closed");
  pipe.close();
  await world.settle();
  assertEquals(receiver.events, ["received 1", "ended well"]);
  await world.close();
});

Deno.test("WebSocketPipe ends with the code of what is wrong", async () => {
  const { world, pipe, receiver, peer } = open();
  peer.send(frame(1, Uint8Array.of(0x41)));
  await world.settle();
  assertEquals(peer.take().toHex(), "880203eb");
  assertEquals(receiver.events.length, 1);
  pipe.close();
  await world.close();
});

Deno.test("WebSocketPipe.closeWrite() sends a close frame behind a pong that waits", async () => {
  const opened = open(3);
  const { world, pipe, receiver, peer } = opened;
  peer.send(frame(PING, Uint8Array.of(1, 2, 3, 4)));
  await world.settle();
  pipe.closeWrite();
  assertEquals(peer.isFinished, false);
  assertEquals((await takeAll(opened)).toHex(), "8a0401020304" + "880203e8");
  assertEquals([peer.isFinished, receiver.events], [true, []]);
  peer.end();
  await world.settle();
  assertEquals(receiver.events, ["ended well"]);
  pipe.close();
  await world.close();
});

Deno.test("WebSocketPipe fails a write with its pipe, and a pong without a word", async () => {
  const { world, pipe, receiver, peer } = open(10);
  assertEquals(pipe.write(new Uint8Array(100)), 0);
  world.libc.fail("send", "ECONNRESET");
  peer.take();
  await world.settle();
  assertEquals(receiver.events, ["write failed ECONNRESET"]);
  world.libc.fail("send", "EPIPE");
  peer.send(frame(PING, Uint8Array.of(1)));
  await world.settle();
  assertEquals(receiver.events, ["write failed ECONNRESET"]);
  world.libc.fail("send", "EPIPE");
  assertThrows(() => pipe.write(Uint8Array.of(1)), Error, "EPIPE");
  pipe.close();
  await world.close();
});
