import { assertEquals, assertRejects } from "@std/assert";
import { Receipt } from "../log/receipt.ts";
import { Output } from "./output.ts";

/** Takes a few bytes at a time, each when it is told to. */
class SlowSink {
  readonly writes: string[] = [];
  turn = new Receipt();

  constructor(readonly bytesMax: number) {}

  async write(bytes: Uint8Array): Promise<number> {
    await this.turn.wait();
    const taken = bytes.subarray(0, this.bytesMax);
    this.writes.push(new TextDecoder().decode(taken));
    return taken.length;
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("Output sends the first piece at once and gathers what comes meanwhile", async () => {
  const sink = new SlowSink(1000);
  const output = new Output(sink);
  for (const piece of ["a", "b", "c"]) await output.write(bytes(piece));
  sink.turn.close();
  await output.drained();
  assertEquals(sink.writes, ["a", "bc"]);
});

Deno.test("Output goes on after a partial write", async () => {
  const sink = new SlowSink(2);
  sink.turn.close();
  const output = new Output(sink);
  await output.write(bytes("abcde"));
  await output.drained();
  assertEquals(sink.writes, ["ab", "cd", "e"]);
});

Deno.test("Output has the writer wait when too much is waiting", async () => {
  const sink = new SlowSink(Infinity);
  const output = new Output(sink);
  await output.write(bytes("a"));
  let isThrough = false;
  const written = output.write(new Uint8Array(2 ** 20 + 1)).then(() => isThrough = true);
  assertEquals(isThrough, false);
  sink.turn.close();
  await written;
  await output.drained();
  assertEquals(sink.writes.map(({ length }) => length), [1, 2 ** 20 + 1]);
});

Deno.test("Output passes on what the sink throws", async () => {
  const failure = () => Promise.reject(new Deno.errors.BrokenPipe("gone"));
  const output = new Output({ write: failure });
  await output.write(bytes("a"));
  await assertRejects(() => output.drained(), Deno.errors.BrokenPipe);
  await assertRejects(() => output.write(bytes("b")), Deno.errors.BrokenPipe);
});
