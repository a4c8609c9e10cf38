/** The chunks of all stored messages: where a new message goes, and when a chunk is removed. */
import type { Message } from "../base/message.ts";
import type { ChangeJournal } from "./changes.ts";
import type { IdAllocator } from "./id_allocator.ts";
import { CHUNK_BYTES, MessageChunk, type Place } from "./message_chunk.ts";

/** Memory of a chunk, with its page and log, without the messages, in bytes. */
const CHUNK_ENTRY_BYTES = 400;

/** The broker, as the chunks need it. */
export interface ChunkHost {
  /** A part of the current publication will be stored. */
  onStoring(): void;
}

/** The chunks by identifier. Messages of the same commit go into the same chunk. */
export class ChunkTable {
  readonly #journal: ChangeJournal;
  readonly #host: ChunkHost;
  readonly #ids: IdAllocator;
  readonly #chunks = new Map<number, MessageChunk>();
  /** The chunk for new messages. */
  #open: MessageChunk | null = null;

  constructor(journal: ChangeJournal, host: ChunkHost, ids: IdAllocator) {
    this.#journal = journal;
    this.#host = host;
    this.#ids = ids;
  }

  /** Memory of the chunks, with their pages and logs, without the messages, in bytes. */
  get memoryBytes(): number {
    return this.#chunks.size * CHUNK_ENTRY_BYTES;
  }

  /** The chunk with an identifier, which is in the store. */
  get(id: number): MessageChunk {
    let chunk = this.#chunks.get(id);
    if (chunk === undefined) this.#chunks.set(id, chunk = MessageChunk.stored(id));
    return chunk;
  }

  /** Whether any entry refers to the chunk with an identifier. */
  has(id: number): boolean {
    return this.#chunks.has(id);
  }

  /** Stores a message, if it is not stored yet, and returns its place. */
  keep(message: Message): Place {
    const place = message.place as Place | null;
    if (place !== null && !place.chunk.isRemoved && !place.isRevoked) return place;
    if (this.#open === null || this.#open.bytes >= CHUNK_BYTES) {
      this.#open = new MessageChunk(this.#ids.newId());
      this.#chunks.set(this.#open.id, this.#open);
      this.#journal.changes.chunks.add(this.#open);
    }
    this.#journal.addWeight(message.weight);
    this.#host.onStoring();
    return message.place = this.#open.add(message.keep());
  }

  /** An entry no longer refers to the chunk. Without references it is removed from the store. */
  release(chunk: MessageChunk): void {
    if (--chunk.live > 0 || !chunk.isSealed) return;
    this.forget(chunk);
    this.#journal.changes.removedChunks.add(chunk.id);
  }

  /** The chunk need not be stored: all receivers already have its messages. */
  forget(chunk: MessageChunk): void {
    chunk.isRemoved = true;
    this.#chunks.delete(chunk.id);
  }

  /** The current changes are written: new messages go into another chunk. */
  onSealed(): void {
    this.#open = null;
  }

  /** The chunks are on the disk: their messages need not be in memory. */
  onCommitted(chunks: Iterable<MessageChunk>): void {
    for (const chunk of chunks) chunk.messages = null;
  }
}
