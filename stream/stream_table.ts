/** The streams of one store, by name. */
import { numberKey, numberOfKey, textOfKey } from "../store/record.ts";
import { type Row, type Store, StoreError } from "../store/store.ts";
import { OpenChunk, StoredChunk } from "./chunk.ts";
import { ChunkIndex, type ChunkInfo } from "./chunk_index.ts";
import { ChunkRefs } from "./chunk_refs.ts";
import { DroppedTimes } from "./dropped_times.ts";
import { SkippedMessages } from "./skipped_messages.ts";
import { readGroupRow } from "./group_row.ts";
import { RecordView } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { GroupState } from "./stream_group.ts";
import type { StoredStream } from "./stored_stream.ts";
import { StreamChunks } from "./stream_chunks.ts";
import { StreamLog, type StreamLogHost } from "./stream_log.ts";
import { streamNameFault } from "./stream_name.ts";
import { readIndexRow, readStreamRow, type StreamRow } from "./stream_row.ts";

/** The limit of one page of rows. */
const PAGE = { rows: 4096, bytes: 1024 * 1024 };

const decoder = new TextDecoder();

/** The streams of a store: those that were declared, and those that are only in the store. */
export class StreamTable {
  /** The number of invalid rows that were left out. */
  unreadable = 0;
  readonly #host: StreamLogHost;
  readonly #logs = new Map<string, StreamLog>();
  /** Streams of the store that were not declared since it was opened. */
  readonly #stored = new Map<string, StoredStream>();
  #idMost = 0;

  private constructor(host: StreamLogHost) {
    this.#host = host;
  }

  /**
   * Reads the streams of a store, without their messages.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  static async open(host: StreamLogHost): Promise<StreamTable> {
    const table = new StreamTable(host);
    const rows = new Map<string, StreamRow>();
    for await (const { key, value } of rowsOf(host.store, "streams", null)) {
      const row = table.#read(() => readStreamRow(value));
      if (row !== null) rows.set(decoder.decode(key), row);
    }
    const indexes = new Map<number, ChunkIndex>();
    for (const { id, dropped } of rows.values()) indexes.set(id, new ChunkIndex(dropped));
    const firsts = new Map([...rows.values()].map(({ id, first }) => [id, first]));
    const held = new Map<number, ChunkInfo[]>();
    for await (const { key, value } of rowsOf(host.store, "stream_index", null)) {
      const info = table.#read(() => readIndexRow(numberOfKey(key, 1), value));
      if (info === null) continue;
      const streamId = numberOfKey(key);
      let index = indexes.get(streamId);
      if (index === undefined) indexes.set(streamId, index = new ChunkIndex());
      table.#idMost = Math.max(table.#idMost, streamId);
      if (info.refs !== null && info.last < (firsts.get(streamId) ?? 0)) {
        held.set(streamId, [...held.get(streamId) ?? [], info]);
      } else if (info.first > (index.tail?.last ?? 0)) index.push(info);
    }
    const groups = new Map<number, GroupState[]>();
    for await (const { key, value } of rowsOf(host.store, "stream_groups", null)) {
      const group = table.#read(() => readGroupRow(textOfKey(key), value));
      if (group === null) continue;
      const streamId = numberOfKey(key);
      groups.set(streamId, [...groups.get(streamId) ?? [], group]);
    }
    for (const [name, row] of rows) {
      const index = indexes.get(row.id) ?? new ChunkIndex();
      const dropped = held.get(row.id) ?? [];
      const last = Math.max(index.tail?.last ?? 0, dropped.at(-1)?.last ?? 0);
      const stored = {
        name,
        row,
        index,
        open: await table.#readOpen(row, last + 1),
        held: dropped,
      };
      table.#stored.set(name, { ...stored, groups: groups.get(row.id) ?? [] });
      table.#idMost = Math.max(table.#idMost, row.id);
    }
    return table;
  }

  /** The streams that were declared. */
  get logs(): readonly StreamLog[] {
    return [...this.#logs.values()];
  }

  /**
   * The streams of the store that were not declared since it was opened, with their declarations.
   */
  get undeclared(): readonly { name: string; declaration: string }[] {
    return [...this.#stored.values()].map(({ name, row: { declaration } }) => ({
      name,
      declaration,
    }));
  }

  /** The stream with a name, if it was declared. */
  get(name: string): StreamLog | undefined {
    return this.#logs.get(name);
  }

  /** Whether there is a stream with a name, declared or not. */
  has(name: string): boolean {
    return this.#logs.has(name) || this.#stored.has(name);
  }

  /**
   * Declares a stream. It continues from its state in the store, or begins.
   *
   * @param declaration Stored with the stream, so that it can be read after a restart.
   * @throws {RangeError} If the name or a limit is out of range.
   */
  declare(name: string, declaration: string, retention: Retention): StreamLog {
    const fault = streamNameFault(name);
    if (fault !== null) throw new RangeError(`Cannot declare stream "${name}": ${fault}`);
    const known = this.#logs.get(name);
    if (known !== undefined) {
      known.declare(declaration, retention);
      return known;
    }
    const stored = this.#stored.get(name) ?? this.#newStream(name, declaration);
    const log = new StreamLog(this.#host, stored, retention);
    this.#logs.set(name, log);
    this.#stored.delete(name);
    log.declare(declaration, retention);
    return log;
  }

  /**
   * Reads a message by its sequence, also of a stream that was not declared.
   *
   * @param id The identifier of the stream: another one may have its name by now.
   * @returns `null` if it is gone.
   * @throws {StoreError} If the store cannot be read.
   */
  async find(name: string, id: number, seq: number): Promise<RecordView | null> {
    const log = this.#logs.get(name);
    const stored = this.#stored.get(name);
    if (id !== (log?.id ?? stored?.row.id) || seq < (log?.first ?? stored!.row.first)) return null;
    const chunk = stored === undefined
      ? await log!.chunks.load(seq)
      : await new StreamChunks(id, this.#host, { ...stored, held: [] }, () => {}, () => {})
        .load(seq);
    const index = chunk?.indexOf(seq) ?? 0;
    if (chunk === null || index >= chunk.count || chunk.seq(index) !== seq) return null;
    const record = new RecordView();
    record.read(chunk.view, chunk.bytes, chunk.offset(index));
    return record;
  }

  /**
   * Removes all messages of a stream. Resolves when nothing refers to them any more, so that the
   * stream can be removed.
   *
   * @throws {StoreError} If those who refer to them cannot be given copies.
   */
  async empty(name: string): Promise<void> {
    const log = this.#open(name);
    log?.purge(log.last + 1);
    await log?.chunks.held.empty();
    if (log === undefined || log.chunks.held.size === 0) return;
    throw new StoreError(`Cannot remove stream "${name}": sessions need messages of it`);
  }

  /** Removes a stream with all its messages. Returns whether there was one. */
  remove(name: string): boolean {
    const log = this.#open(name);
    if (log === undefined) return false;
    this.#logs.delete(name);
    log.remove();
    return true;
  }

  /** The stream with a name. One that was not declared is opened, because only then it can change. */
  #open(name: string): StreamLog | undefined {
    const log = this.#logs.get(name);
    if (log !== undefined || !this.#stored.has(name)) return log;
    return this.declare(name, "", { maxMessages: 1 });
  }

  /** Decodes a row; `null` for an invalid one, which is counted. */
  #read<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.unreadable++;
      return null;
    }
  }

  /** Reads the open chunk of a stream. Invalid pieces are left out. */
  async #readOpen(row: StreamRow, start: number): Promise<OpenChunk> {
    const pieces: StoredChunk[] = [];
    for await (const { key, value } of rowsOf(this.#host.store, "stream_chunks", row.id, start)) {
      const piece = this.#read(() => new StoredChunk(numberOfKey(key, 1), value));
      if (piece !== null) pieces.push(piece);
    }
    return this.#read(() => openOf(pieces, row)) ?? new OpenChunk(row.last + 1);
  }

  #newStream(name: string, declaration: string): StoredStream {
    const id = ++this.#idMost;
    const dropped = new DroppedTimes();
    const skipped = new SkippedMessages();
    const refs = new ChunkRefs();
    const row = { id, first: 1, last: 0, lastTimeMs: 0, declaration, dropped, skipped, refs };
    const [index, open] = [new ChunkIndex(dropped), new OpenChunk(1)];
    return { name, row, index, open, held: [], groups: [] };
  }
}

/**
 * Puts an open chunk together from its pieces. If one was lost, the pieces before it are left out.
 */
function openOf(pieces: readonly StoredChunk[], row: StreamRow): OpenChunk {
  let whole: StoredChunk[] = [];
  for (const piece of pieces) {
    const before = whole.at(-1);
    if (before !== undefined && before.first + before.count !== piece.first) whole = [];
    whole.push(piece);
  }
  const open = new OpenChunk(whole[0]?.first ?? row.last + 1);
  for (const piece of whole) open.restore(piece.bytes);
  open.pieceFrom = whole.length === 0 ? 0 : whole.at(-1)!.first - open.first;
  return open;
}

/** The rows of a table, or of one stream from a sequence on, page by page. */
async function* rowsOf(
  store: Store,
  table: "streams" | "stream_index" | "stream_chunks" | "stream_groups",
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
