import { assertEquals, assertRejects } from "@std/assert";
import { linesOf, payloadsOf } from "./payloads.ts";
import { FlagError } from "./flag_error.ts";

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
}

async function textOf(payloads: AsyncIterable<Uint8Array>): Promise<string[]> {
  return (await Array.fromAsync(payloads)).map((payload) => new TextDecoder().decode(payload));
}

Deno.test("linesOf() takes lines apart wherever the stream was cut", async () => {
  const text = "one\n\ntwo\r\nthree, the last";
  const lines = ["one", "", "two\r", "three, the last"];
  for (let at = 0; at <= text.length; at++) {
    assertEquals(await textOf(linesOf(streamOf(text.slice(0, at), text.slice(at)))), lines);
  }
  assertEquals(await textOf(linesOf(streamOf(...text))), lines);
});

Deno.test("linesOf() makes no line of nothing", async () => {
  assertEquals(await textOf(linesOf(streamOf())), []);
  assertEquals(await textOf(linesOf(streamOf("a\n"))), ["a"]);
});

Deno.test("payloadsOf() repeats a message", async () => {
  const source = { kind: "message", payload: new TextEncoder().encode("a") } as const;
  assertEquals(await textOf(payloadsOf(source, 3, streamOf())), ["a", "a", "a"]);
});

Deno.test("payloadsOf() makes one message of the standard input", async () => {
  assertEquals(await textOf(payloadsOf({ kind: "stdin" }, 2, streamOf("a\n", "b"))), [
    ...["a\nb", "a\nb"],
  ]);
});

Deno.test("payloadsOf() tells that a file cannot be read", async () => {
  const source = { kind: "file", path: "/nowhere/at/all" } as const;
  await assertRejects(
    () => textOf(payloadsOf(source, 1, streamOf())),
    FlagError,
    "-f cannot read /nowhere/at/all: there is no such file",
  );
});
