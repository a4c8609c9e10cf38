import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import type { PipeReceiver } from "./pipe.ts";
import { pipeOf, PulledPipe } from "./pulled_pipe.ts";
import type { Transport } from "./transport.ts";

/** Lets promises settle. */
function settle(): Promise<void> {
  return delay(0);
}

/** A transport of which a test decides when a read or write ends. */
class SteppedTransport implements Transport {
  readonly reads: PromiseWithResolvers<number | null>[] = [];
  readonly writes: { source: Uint8Array; done: PromiseWithResolvers<number> }[] = [];
  isClosed = false;

  read(): Promise<number | null> {
    const read = Promise.withResolvers<number | null>();
    this.reads.push(read);
    return read.promise;
  }

  write(source: Uint8Array): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.writes.push({ source, done });
    return done.promise;
  }

  close(): void {
    this.isClosed = true;
    this.reads.at(-1)?.reject(new Error("Closed meanwhile"));
  }
}

/** Writes down what it is told. */
class Listener implements PipeReceiver {
  readonly events: string[] = [];
  readonly #target = new Uint8Array(8);

  target(): Uint8Array<ArrayBuffer> {
    return this.#target;
  }

  onReceived(bytes: number): void {
    this.events.push(`received ${bytes}`);
  }

  onEnded(error: unknown): void {
    this.events.push(`ended ${error === null ? "well" : (error as Error).message}`);
  }

  onWritten(bytes: number): void {
    this.events.push(`written ${bytes}`);
  }

  onWriteFailed(error: unknown): void {
    this.events.push(`failed ${(error as Error).message}`);
  }
}

Deno.test("PulledPipe reads on until it is paused, and goes on when it is resumed", async () => {
  const transport = new SteppedTransport();
  const listener = new Listener();
  const pipe = new PulledPipe(transport, listener);
  assertEquals(transport.reads.length, 0);
  pipe.start();
  transport.reads[0]!.resolve(3);
  await settle();
  assertEquals([listener.events, transport.reads.length], [["received 3"], 2]);
  pipe.pause();
  transport.reads[1]!.resolve(4);
  await settle();
  // What was being read still comes, and nothing after it.
  assertEquals([listener.events.at(-1), transport.reads.length], ["received 4", 2]);
  pipe.resume();
  assertEquals(transport.reads.length, 3);
  transport.reads[2]!.resolve(null);
  await settle();
  assertEquals(listener.events, ["received 3", "received 4", "ended well"]);
});

Deno.test("PulledPipe that is paused and resumed before its read ends reads once at a time", async () => {
  const transport = new SteppedTransport();
  const listener = new Listener();
  const pipe = new PulledPipe(transport, listener);
  pipe.start();
  pipe.pause();
  pipe.resume();
  assertEquals(transport.reads.length, 1);
  transport.reads[0]!.reject(new Error("reset"));
  await settle();
  assertEquals(listener.events, ["ended reset"]);
});

Deno.test("PulledPipe writes the rest of a partial write by itself", async () => {
  const transport = new SteppedTransport();
  const listener = new Listener();
  const pipe = new PulledPipe(transport, listener);
  assertEquals(pipe.write(Uint8Array.of(1, 2, 3, 4, 5)), 0);
  transport.writes[0]!.done.resolve(2);
  await settle();
  assertEquals([...transport.writes[1]!.source], [3, 4, 5]);
  transport.writes[1]!.done.resolve(3);
  await settle();
  assertEquals([listener.events, transport.writes.length], [["written 2", "written 3"], 2]);
  pipe.write(Uint8Array.of(6));
  transport.writes[2]!.done.reject(new Error("broken"));
  await settle();
  assertEquals(listener.events.at(-1), "failed broken");
});

Deno.test("PulledPipe says that it has ended when it is closed, but not while it is paused", async () => {
  for (const isPaused of [false, true]) {
    const transport = new SteppedTransport();
    const listener = new Listener();
    const pipe = new PulledPipe(transport, listener);
    pipe.start();
    if (isPaused) {
      pipe.pause();
      transport.reads[0]!.resolve(1);
      await settle();
    }
    pipe.close();
    await settle();
    const events = isPaused ? ["received 1"] : ["ended Closed meanwhile"];
    assertEquals([transport.isClosed, listener.events], [true, events]);
  }
});

Deno.test("pipeOf() takes the pipe of a transport that has one", () => {
  const listener = new Listener();
  const own = new PulledPipe(new SteppedTransport(), listener);
  const transport = Object.assign(new SteppedTransport(), { pipe: () => own });
  assertEquals(pipeOf(transport, listener) === own, true);
  assertEquals(pipeOf(new SteppedTransport(), listener) instanceof PulledPipe, true);
});
