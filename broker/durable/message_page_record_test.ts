import { assertEquals, assertThrows } from "@std/assert";
import { RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { Message } from "../base/message.ts";
import { message, type MessageOptions, textOf, variant } from "../testdata/messages.ts";
import { MessageChunk } from "./message_chunk.ts";
import { MessagePage } from "./message_page.ts";
import {
  headOfPage,
  readChunk,
  readPage,
  summarisePage,
  writeChunk,
  writePage,
} from "./message_page_record.ts";

/** The wall clock is this far ahead of the broker's clock. */
const CALENDAR = { toWall: (ms: number) => ms + 1000, toClock: (ms: number) => ms - 1000 };

/** A page with messages in two chunks, and its row. */
function world(options: MessageOptions = {}) {
  const chunks = [new MessageChunk(7), new MessageChunk(8)] as const;
  const page = new MessagePage(100, 5000);
  for (const [i, chunk] of [chunks[0], chunks[0], chunks[1]].entries()) {
    const sent = message("t", `${i}`, options);
    const flags = i === 1 ? variant({ shared: "$share/g/t" }) : null;
    page.add({ place: chunk.add(sent), message: sent, weight: sent.weight, variant: flags });
  }
  return { chunks, page, row: bytesOf((writer) => writePage(writer, page, CALENDAR)) };
}

function bytesOf(write: (writer: RecordWriter) => void): Uint8Array {
  const writer = new RecordWriter();
  write(writer);
  return writer.bytes.slice();
}

Deno.test("a page comes back from the store, but for its messages", () => {
  const { page, row, chunks } = world();
  const { entries, weightBefore, expiresWallMs } = readPage(row, (id) => chunks[id - 7]!);
  assertEquals([weightBefore, expiresWallMs], [5000, Infinity]);
  const expected = page.entries!.map(({ place, weight, variant }) => ({ place, weight, variant }));
  assertEquals(entries, expected);
});

Deno.test("a page comes back with the time of day at which its last message expires", () => {
  const { row } = world({ expirySeconds: 2, receivedMs: 500 });
  assertEquals(readPage(row, (id) => new MessageChunk(id)).expiresWallMs, 3500);
  assertEquals([headOfPage(row).expiresWallMs, summarisePage(row).expiresWallMs], [3500, 3500]);
});

Deno.test("summarisePage() finds what readPage() finds, without entries", () => {
  const { page, row } = world();
  const { count, weight, weightBefore } = page;
  assertEquals(summarisePage(row), {
    ...{ count, weight, weightBefore },
    expiresWallMs: Infinity,
    chunkIds: [7, 7, 8],
  });
  assertEquals(headOfPage(row), { count, expiresWallMs: Infinity });
});

Deno.test("summarisePage() refuses a message that is larger than any packet", () => {
  const { page } = world();
  page.entries![1] = { ...page.entries![1]!, weight: 2 ** 30 + 1 };
  const row = bytesOf((writer) => writePage(writer, page, CALENDAR));
  assertThrows(() => summarisePage(row), StoreError, "1073741825 bytes");
});

Deno.test("readChunk() reads the messages that are wanted, by their places", () => {
  const { chunks } = world();
  const row = bytesOf((writer) => writeChunk(writer, chunks[0], CALENDAR));
  const texts = (...wanted: number[]) =>
    [...readChunk(row, new Set(wanted), CALENDAR)].map((
      [i, one],
    ) => [i, one && textOf(one as Message)]);
  assertEquals(texts(0, 1), [[0, "0"], [1, "1"]]);
  assertEquals(texts(1), [[1, "1"]]);
  // One that is not there is not found.
  assertEquals(texts(1, 2), [[1, "1"]]);
});

Deno.test("a message that was revoked comes back as none, and the others keep their places", () => {
  const { chunks: [chunk] } = world();
  chunk.messages![0]!.place.isRevoked = true;
  const row = bytesOf((writer) => writeChunk(writer, chunk, CALENDAR));
  const messages = readChunk(row, new Set([0, 1]), CALENDAR);
  assertEquals([messages.get(0), textOf(messages.get(1) as Message)], [null, "1"]);
});
