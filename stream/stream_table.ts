import { numberKey, numberOfKey } from "../store/record.ts";
import { type Row, type Store, StoreError } from "../store/store.ts";
import { OpenChunk, StoredChunk } from "./chunk.ts";
import { ChunkIndex, type ChunkInfo } from "./chunk_index.ts";
import type { Retention } from "./retention.ts";
import { type StoredStream, StreamLog, type StreamLogHost } from "./stream_log.ts";
import { readIndexRow, readStreamRow, type StreamRow } from "./stream_row.ts";

/** What a stream's name may be. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** How much is read of a table at once. */
const PAGE = { rows: 4096, bytes: 1024 * 1024 };

const decoder = new TextDecoder();

/** Says what is wrong with the name of a stream; `null` if nothing is. */
export function streamNameFault(name: string): string | null {
  if (NAME.test(name)) return null;
  return "a stream's name has 1 to 64 of the characters A-Z a-z 0-9 _ . -";
}

/** The streams of a store by their names. */
export class StreamTable {
  /** Rows of streams that made no sense. */
  unreadable = 0;
  readonly #host: StreamLogHost;
  readonly #logs = new Map<string, StreamLog>();
  /** Streams that the store has, and nobody has declared since. */
  readonly #rows = new Map<string, StreamRow>();
  #idMost = 0;

  private constructor(host: StreamLogHost) {
    this.#host = host;
  }

  /**
   * Reads which streams a store has. Their messages stay where they are.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  static async open(host: StreamLogHost): Promise<StreamTable> {
    const table = new StreamTable(host);
    for await (const { key, value } of rowsOf(host.store, "streams", null)) {
      try {
        const row = readStreamRow(value);
        table.#rows.set(decoder.decode(key), row);
        table.#idMost = Math.max(table.#idMost, row.id);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        table.unreadable++;
      }
    }
    return table;
  }

  /** The streams that were declared. */
  get logs(): readonly StreamLog[] {
    return [...this.#logs.values()];
  }

  /** The names of streams that the store has and nobody has declared, with what they were declared as. */
  get undeclared(): readonly { name: string; declaration: string }[] {
    return [...this.#rows].map(([name, { declaration }]) => ({ name, declaration }));
  }

  /** The stream with a name, if it was declared. */
  get(name: string): StreamLog | undefined {
    return this.#logs.get(name);
  }

  /**
   * Declares a stream: it goes on from what the store has of it, or begins.
   *
   * @param declaration What is stored with it, for whoever asks later.
   * @throws {RangeError} If the name or a limit is out of range.
   * @throws {StoreError} If the store cannot be read.
   */
  async declare(name: string, declaration: string, retention: Retention): Promise<StreamLog> {
    const fault = streamNameFault(name);
    if (fault !== null) throw new RangeError(`Cannot declare stream "${name}": ${fault}`);
    const known = this.#logs.get(name);
    if (known !== undefined) {
      known.declare(declaration, retention);
      return known;
    }
    const row = this.#rows.get(name);
    const stored = row === undefined
      ? this.#newStream(name, declaration)
      : await readStream(this.#host.store, name, row);
    const log = new StreamLog(this.#host, stored, retention);
    this.#logs.set(name, log);
    this.#rows.delete(name);
    log.declare(declaration, retention);
    return log;
  }

  /** Removes a stream, with all its messages. Returns whether there was one. */
  async remove(name: string): Promise<boolean> {
    const row = this.#rows.get(name);
    // One that nobody has declared is there from now on, so that it can be removed.
    const log = this.#logs.get(name) ??
      (row && await this.declare(name, row.declaration, { maxMessages: 1 }));
    if (log === undefined) return false;
    this.#logs.delete(name);
    log.remove();
    return true;
  }

  #newStream(name: string, declaration: string): StoredStream {
    const id = ++this.#idMost;
    const row = { id, first: 1, last: 0, lastTimeMs: 0, bytesEver: 0, declaration };
    return { name, row, index: new ChunkIndex(), open: new OpenChunk(1, 0) };
  }
}

/** Reads what is known of a stream's full chunks, and its open one. */
async function readStream(store: Store, name: string, row: StreamRow): Promise<StoredStream> {
  const index = new ChunkIndex();
  for await (const { key, value } of rowsOf(store, "stream_index", row.id)) {
    const info = readIndex(numberOfKey(key, 1), value);
    if (info !== null && info.first > (index.tail?.last ?? 0)) index.push(info);
  }
  const pieces: StoredChunk[] = [];
  const start = (index.tail?.last ?? 0) + 1;
  for await (const { key, value } of rowsOf(store, "stream_chunks", row.id, start)) {
    pieces.push(new StoredChunk(numberOfKey(key, 1), value));
  }
  return { name, row, index, open: openOf(pieces, row) };
}

/** The open chunk that pieces make; what was lost in between takes what is in front with it. */
function openOf(pieces: readonly StoredChunk[], row: StreamRow): OpenChunk {
  let whole: StoredChunk[] = [];
  for (const piece of pieces) {
    const before = whole.at(-1);
    if (before !== undefined && before.first + before.count !== piece.first) whole = [];
    whole.push(piece);
  }
  const bytes = whole.reduce((sum, piece) => sum + piece.bytes.length, 0);
  const open = new OpenChunk(whole[0]?.first ?? row.last + 1, row.bytesEver - bytes);
  for (const piece of whole) open.restore(piece.bytes);
  open.pieceFrom = whole.length === 0 ? 0 : whole.at(-1)!.first - open.first;
  return open;
}

function readIndex(first: number, value: Uint8Array): ChunkInfo | null {
  try {
    return readIndexRow(first, value);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return null;
  }
}

/** The rows of a table, or those of one stream from a sequence on, a page of them at a time. */
async function* rowsOf(
  store: Store,
  table: "streams" | "stream_index" | "stream_chunks",
  streamId: number | null,
  seq = 0,
): AsyncGenerator<Row, void, void> {
  let from = streamId === null ? new Uint8Array(0) : numberKey(streamId, seq);
  const to = streamId === null ? null : numberKey(streamId + 1);
  for (;;) {
    const rows = await store.scan(table, from, to, PAGE);
    if (rows.length === 0) return;
    yield* rows;
    const last = rows.at(-1)!.key;
    from = new Uint8Array(last.length + 1);
    from.set(last);
  }
}
