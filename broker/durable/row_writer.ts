/** The rows of a commit: the current state of all changed objects. */
import type { Batch } from "../../store/batch.ts";
import { numberKey, RecordWriter } from "../../store/record.ts";
import type { Message } from "../base/message.ts";
import type { PendingWill } from "../session/pending_will.ts";
import type { Changes } from "./changes.ts";
import type { ChunkTable } from "./chunk_table.ts";
import type { MessageChunk } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import { type SharedStart, writeSharedStart } from "./shared_start.ts";
import type { MessagePage } from "./message_page.ts";
import { writeChunk, writePage } from "./message_page_record.ts";
import type { Calendar } from "../base/calendar.ts";
import { writeMessage, writeWill } from "./records.ts";
import { writeDeletion } from "./retained_deletion_row.ts";

const encoder = new TextEncoder();

/** The broker, as the writer of rows needs it. */
export interface RowHost {
  readonly calendar: Calendar;
  /** The current retained message of a topic. */
  retainedOf(topic: string): Message | undefined;
  /** When that was published, by the broker's clock. */
  retainedSince(topic: string): number;
  /** Its version among the nodes of a cluster; 0 for none. */
  retainedVersion(topic: string): number;
  /** The version of the deletion of a topic's message among those nodes; 0 for none. */
  retainedDeletion(topic: string): number;
}

/** Writes the rows of changed objects in their current state. */
export class RowWriter {
  readonly #host: RowHost;
  readonly #chunks: ChunkTable;
  readonly #writer = new RecordWriter();

  constructor(host: RowHost, chunks: ChunkTable) {
    this.#host = host;
    this.#chunks = chunks;
  }

  /** Adds the rows to a batch. */
  write(batch: Batch, changes: Changes): void {
    for (const [table, key] of changes.useless) batch.remove(table, key);
    for (const id of changes.removedChunks) batch.remove("messages", numberKey(id));
    for (const [id, first] of changes.removedPages) batch.remove("entries", numberKey(id, first));
    // Before the rows of streams, which then know what refers to them.
    for (const chunk of changes.chunks) this.#putChunk(batch, chunk);
    for (const [id, row] of changes.copies) {
      if (this.#chunks.has(id)) batch.put("messages", numberKey(id), row);
    }
    for (const [page, log] of changes.pages) this.#putPage(batch, log, page);
    // Sessions may release shared starts, so they come first.
    for (const owner of changes.owners) owner.write(batch, this.#writer);
    for (const start of changes.starts) this.#putStart(batch, start);
    for (const { id } of changes.removedStarts) batch.remove("joins", numberKey(id));
    for (const will of changes.wills) this.#putWill(batch, will);
    for (const topic of changes.retained) this.#putRetained(batch, topic);
  }

  #putChunk(batch: Batch, chunk: MessageChunk): void {
    if (chunk.live === 0 || chunk.isRemoved) {
      this.#chunks.forget(chunk);
      return;
    }
    chunk.isSealed = true;
    writeChunk(this.#writer.reset(), chunk, this.#host.calendar);
    batch.put("messages", numberKey(chunk.id), this.#writer.bytes);
  }

  #putPage(batch: Batch, log: DurableLog, page: MessagePage): void {
    if (page.isDropped || page.count === 0) return;
    page.isSealed = true;
    writePage(this.#writer.reset(), page, this.#host.calendar);
    batch.put("entries", numberKey(log.id, page.first), this.#writer.bytes);
  }

  #putStart(batch: Batch, start: SharedStart): void {
    if (start.pending === 0) return;
    writeSharedStart(this.#writer.reset(), start);
    batch.put("joins", numberKey(start.id), this.#writer.bytes);
  }

  #putWill(batch: Batch, pending: PendingWill): void {
    const { clientId, username, will, storedId, dueMs } = pending;
    if (pending.isOver) return batch.remove("wills", numberKey(storedId));
    const wallMs = dueMs === null ? 0 : Math.round(this.#host.calendar.toWall(dueMs));
    writeWill(this.#writer.reset(), { clientId, username, will, dueWallMs: Math.max(0, wallMs) });
    batch.put("wills", numberKey(storedId), this.#writer.bytes);
  }

  #putRetained(batch: Batch, topic: string): void {
    const message = this.#host.retainedOf(topic);
    const key = encoder.encode(topic);
    if (message === undefined) return this.#putDeletion(batch, key, topic);
    this.#writer.reset().text(message.origin.toText());
    const { calendar } = this.#host;
    writeMessage(this.#writer, message, calendar);
    this.#writer.number(Math.max(0, Math.round(calendar.toWall(this.#host.retainedSince(topic)))));
    const version = this.#host.retainedVersion(topic);
    if (version > 0) this.#writer.number(version);
    batch.put("retained", key, this.#writer.bytes);
  }

  #putDeletion(batch: Batch, key: Uint8Array, topic: string): void {
    const deleted = this.#host.retainedDeletion(topic);
    if (deleted === 0) return batch.remove("retained", key);
    writeDeletion(this.#writer.reset(), deleted);
    batch.put("retained", key, this.#writer.bytes);
  }
}
