import { assertEquals } from "@std/assert";
import type { PipeReceiver } from "./pipe.ts";
import type { Transport } from "./transport.ts";
import { unread } from "./unread_transport.ts";

/** A transport whose reads give one chunk each, and then its end. */
function scripted(...chunks: string[]): Transport {
  const left = chunks.map((chunk) => new TextEncoder().encode(chunk));
  let isClosed = false;
  return {
    read: (target) => {
      if (isClosed) return Promise.reject(new Error("closed"));
      const chunk = left.shift();
      if (chunk === undefined) return Promise.resolve(null);
      target.set(chunk);
      return Promise.resolve(chunk.length);
    },
    write: (source) => Promise.resolve(source.length),
    close: () => {
      isClosed = true;
    },
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** Keeps what arrives, in pieces of three bytes at most, and tells of the end. */
class Taker implements PipeReceiver {
  readonly ended = Promise.withResolvers<unknown>();
  readonly pieces: string[] = [];
  onPiece: () => void = () => {};
  readonly #target = new Uint8Array(3);

  target(): Uint8Array<ArrayBuffer> {
    return this.#target;
  }

  onReceived(count: number): void {
    this.pieces.push(new TextDecoder().decode(this.#target.subarray(0, count)));
    this.onPiece();
  }

  onEnded(error: unknown): void {
    this.ended.resolve(error);
  }

  onWritten(): void {}

  onWriteFailed(): void {}
}

Deno.test("unread() has read() give the bytes first that were read before", async () => {
  const transport = unread(scripted("cd"), bytes("ab"));
  const target = new Uint8Array(2);
  const read: (string | null)[] = [];
  for (let i = 0; i < 3; i++) {
    const count = await transport.read(target.subarray(0, i === 0 ? 1 : 2));
    read.push(count === null ? null : new TextDecoder().decode(target.subarray(0, count)));
  }
  assertEquals(read, ["a", "b", "cd"]);
  assertEquals(await transport.read(target), null);
});

Deno.test("unread() has a pipe push the bytes first that were read before, in pieces", async () => {
  const transport = unread(scripted("fg", "h"), bytes("abcde"));
  const taker = new Taker();
  const pipe = transport.pipe!(taker);
  pipe.start();
  assertEquals(taker.pieces, []);
  assertEquals(await taker.ended.promise, null);
  assertEquals(taker.pieces, ["abc", "de", "fg", "h"]);
});

Deno.test("a pipe of unread() pushes nothing while it is paused", async () => {
  const transport = unread(scripted("fg"), bytes("abcde"));
  const taker = new Taker();
  const pipe = transport.pipe!(taker);
  const { promise, resolve } = Promise.withResolvers<void>();
  taker.onPiece = () => {
    pipe.pause();
    resolve();
  };
  pipe.start();
  await promise;
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assertEquals(taker.pieces, ["abc"]);
  taker.onPiece = () => {};
  pipe.resume();
  assertEquals(await taker.ended.promise, null);
  assertEquals(taker.pieces, ["abc", "de", "fg"]);
});

Deno.test("a pipe of unread() that is closed pushes nothing more, and tells of its end", async () => {
  const transport = unread(scripted("fg"), bytes("abcde"));
  const taker = new Taker();
  const pipe = transport.pipe!(taker);
  taker.onPiece = () => pipe.close();
  pipe.start();
  await taker.ended.promise;
  assertEquals(taker.pieces, ["abc"]);
});

Deno.test("unread() returns the transport itself if it takes the bytes back, or there are none", () => {
  const plain = scripted();
  assertEquals(unread(plain, new Uint8Array(0)) === plain, true);
  const taken: number[] = [];
  const taking = { ...scripted(), unread: (back: Uint8Array) => taken.push(...back) };
  assertEquals(unread(taking, Uint8Array.of(1, 2)) === taking, true);
  assertEquals(taken, [1, 2]);
});
