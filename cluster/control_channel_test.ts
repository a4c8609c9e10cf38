import { assertEquals, assertInstanceOf } from "@std/assert";
import { InstantPipe } from "../tests/harness/instant_pipe.ts";
import { ControlChannel } from "./control_channel.ts";
import { FrameError, type FrameReader, FrameWriter } from "./frames.ts";

/** A channel whose frames carry a text. */
class World {
  readonly texts: string[] = [];
  readonly errors: unknown[] = [];
  readonly written: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  /** What the next frame has to wait for. */
  wait: Promise<void> | null = null;
  readonly pipe: InstantPipe;
  readonly channel: ControlChannel;

  constructor(writeBytesMax = Infinity) {
    this.pipe = new InstantPipe(writeBytesMax, (bytes) => this.written.push(bytes.slice()));
    const owner = {
      onFrame: (kind: number, body: FrameReader) => {
        this.texts.push(`${kind} ${body.text()}`);
        return this.wait;
      },
      onHeard: () => {},
      onEnded: (error: unknown) => void this.errors.push(error),
    };
    this.channel = new ControlChannel(this.pipe, owner, [{
      next: () => this.waiting.shift() ?? null,
    }]);
    this.channel.start();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }
}

function frame(text: string, kind = 2): Uint8Array<ArrayBuffer> {
  return new FrameWriter(kind).text(text).take();
}

Deno.test("ControlChannel finds frames, however the bytes are cut", async () => {
  const large = "x".repeat(200_000);
  const bytes = [...frame("one"), ...frame(""), ...frame(large, 9), ...frame("last")];
  for (const size of [1, 7, 1000, 1_000_000]) {
    const world = new World();
    const step = size === 1 ? 1 : size;
    // Byte by byte would take long for the large frame.
    const source = size === 1 ? [...frame("one"), ...frame("two")] : bytes;
    for (let at = 0; at < source.length; at += step) {
      world.pipe.feed(Uint8Array.from(source.slice(at, at + step)));
      await world.settle();
    }
    const expected = size === 1 ? ["2 one", "2 two"] : ["2 one", "2 ", `9 ${large}`, "2 last"];
    assertEquals(world.texts, expected);
    world.channel.close();
    await world.settle();
  }
});

Deno.test("ControlChannel has one frame handled after the other", async () => {
  const world = new World();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.wait = promise;
  world.pipe.feed(Uint8Array.from([...frame("one"), ...frame("two")]));
  await world.settle();
  assertEquals(world.texts, ["2 one"]);
  world.wait = null;
  resolve();
  await world.settle();
  assertEquals(world.texts, ["2 one", "2 two"]);
  world.channel.close();
  await world.settle();
});

Deno.test("ControlChannel asks for a frame only when the pipe has taken the one before", async () => {
  const world = new World(4);
  world.pipe.stall(true);
  world.waiting.push(frame("one"), frame("two"), frame("three"));
  world.channel.wake();
  await world.settle();
  assertEquals(world.waiting.length, 2);
  world.pipe.stall(false);
  await world.settle();
  assertEquals(world.waiting.length, 0);
  const written = Uint8Array.from(world.written.flatMap((bytes) => [...bytes]));
  assertEquals(written, Uint8Array.from([...frame("one"), ...frame("two"), ...frame("three")]));
  world.channel.close();
  await world.settle();
});

Deno.test("ControlChannel ends with what is no frame, and with the pipe, once", async () => {
  for (const bytes of [[0, 0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 1]]) {
    const world = new World();
    world.pipe.feed(Uint8Array.from(bytes));
    await world.settle();
    assertEquals(world.errors.length, 1);
    assertInstanceOf(world.errors[0], FrameError);
    assertEquals(world.pipe.isClosed, true);
  }
  const cut = new World();
  cut.pipe.cut();
  await cut.settle();
  assertEquals(cut.errors.map(String), ["Error: The connection was cut"]);
});
