import { assertEquals } from "@std/assert";
import { numberKey, RecordWriter } from "../../store/record.ts";
import type { Row, Store } from "../../store/store.ts";
import { OpenChunk } from "../../stream/chunk.ts";
import { message, textOf } from "../testdata/messages.ts";
import { MessageChunk } from "./message_chunk.ts";
import { writeChunk } from "./message_page_record.ts";
import { ReferredChunks } from "./referred_chunks.ts";
import { readMessages } from "./stored_messages.ts";

const CALENDAR = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };

/** The row of a chunk with messages `0`, `1`, …; those with a sequence are in stream 3. */
function rowOf(count: number, first: number | null): Uint8Array {
  const chunk = new MessageChunk(7);
  for (let i = 0; i < count; i++) {
    const one = message("t", `${i}`);
    one.stream = first === null ? null : { streamId: 3, refer: () => first };
    one.streamSeq = (first ?? 0) + i;
    chunk.add(one);
  }
  const writer = new RecordWriter();
  writeChunk(writer, chunk, CALENDAR);
  return writer.bytes.slice();
}

/** The rows of a chunk of the stream with messages `0`, `1`, …, each of so many in a piece. */
function piecesOf(count: number, first: number, each: number): Row[] {
  const chunk = new OpenChunk(first);
  for (let i = 0; i < count; i++) chunk.append(message("t", `${i}`), 1);
  const rows: Row[] = [];
  for (let from = 0; from < count; from += each) {
    const value = chunk.bytes.slice(chunk.offset(from), chunk.offset(from + each));
    rows.push({ key: numberKey(3, first + from), value });
  }
  return rows;
}

/** Reads messages of the chunk, whose row is another one at each read. */
async function read(rows: Uint8Array[], pieces: Row[], ...indexes: number[]) {
  const errors: string[] = [];
  const store: Partial<Store> = {
    get: () => Promise.resolve([rows.shift()!]),
    scan: () => Promise.resolve(pieces),
  };
  const chunk = new MessageChunk(7);
  const host = {
    store: store as Store,
    calendar: CALENDAR,
    referred: new ReferredChunks({ store: store as Store, calendar: CALENDAR }),
    reportError: (error: unknown) => void errors.push((error as Error).message),
  };
  const found = (await readMessages(host, new Map([[chunk, new Set(indexes)]]))).get(chunk)!;
  const texts = indexes.map((index) => {
    const one = found.get(index);
    return one && `${one.name} ${textOf(one)} ${one.qos}`;
  });
  return { texts, errors };
}

Deno.test("readMessages() reads what is in a stream from there, in one row or in pieces", async () => {
  for (const each of [1, 4, 10]) {
    const { texts, errors } = await read([rowOf(10, 50)], piecesOf(10, 50, each), 0, 4, 9);
    assertEquals([texts, errors], [["t 0 1", "t 4 1", "t 9 1"], []]);
  }
});

Deno.test("readMessages() reads a row again whose messages the stream has just dropped", async () => {
  const { texts, errors } = await read([rowOf(3, 50), rowOf(3, null)], [], 0, 2);
  assertEquals([texts, errors], [["t 0 1", "t 2 1"], []]);
});

Deno.test("readMessages() tells of what a stream has lost, and reads the rest", async () => {
  const pieces = piecesOf(10, 50, 4).slice(0, 2);
  const { texts, errors } = await read([rowOf(10, 50), rowOf(10, 50)], pieces, 7, 8, 9);
  assertEquals(texts, ["t 7 1", undefined, undefined]);
  assertEquals(errors, ["Stream 3 has lost messages that sessions need: 2"]);
});
