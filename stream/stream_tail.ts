/** The newest chunks of a stream, which are not full or not stored. */
import type { Batch } from "../store/batch.ts";
import type { RecordWriter } from "../store/record.ts";
import { CHUNK_BYTES, OpenChunk } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";
import type { StreamInput } from "./record.ts";
import { putChunk, putPiece } from "./stream_row.ts";

/** Room for the message that makes a chunk full, if it is not a large one, in bytes. */
const SPARE_BYTES = 1024;

/** Bytes from which on a piece of the open chunk is finished: no commit writes it again. */
const PIECE_BYTES = 4096;

/**
 * The newest chunks of a stream: the open one, to which messages are appended, and full ones that
 * are not stored yet. The open chunk is stored in pieces of some kilobytes, so that a commit writes
 * the last piece again and not the whole chunk. A full chunk replaces its pieces.
 */
export class StreamTail {
  #open: OpenChunk;
  readonly #sealed = new Map<number, OpenChunk>();
  /** Messages that can still be revoked, because no commit has stored them. */
  #revocable: [seq: number, input: StreamInput, chunk: OpenChunk][] = [];
  /** The chunks that the current commit writes; `null` for no commit. */
  #written: { sealed: OpenChunk[]; open: OpenChunk } | null = null;

  constructor(open: OpenChunk) {
    this.#open = open;
  }

  /** The open chunk. */
  get open(): OpenChunk {
    return this.#open;
  }

  /** Memory of the chunks, in bytes. */
  get bytes(): number {
    let bytes = this.#open.weight;
    for (const { weight } of this.#sealed.values()) bytes += weight;
    return bytes;
  }

  /** The full chunk that begins with the sequence `first`, if it is not stored yet. */
  sealed(first: number): OpenChunk | undefined {
    return this.#sealed.get(first);
  }

  /**
   * Appends a message.
   *
   * @param isRevocable Whether `isRevoked` of the input may be set before a commit stores it.
   * @returns The size of its record, in bytes.
   */
  append(input: StreamInput, timeMs: number, isRevocable: boolean): number {
    const open = this.#open;
    const seq = open.next;
    const bytes = open.append(input, timeMs);
    if (isRevocable) this.#revocable.push([seq, input, open]);
    return bytes;
  }

  /**
   * Begins another open chunk.
   *
   * @param first The sequence of its first message.
   * @returns The index entry of the chunk before it; `null` if that was empty.
   */
  startOver(first: number): ChunkInfo | null {
    const full = this.#open;
    // Messages that come fast fill the next one as well: to grow step by step would cost more.
    this.reset(first, full.isFull ? CHUNK_BYTES + SPARE_BYTES : undefined);
    if (full.count === 0) return null;
    full.seal();
    this.#sealed.set(full.first, full);
    const { firstTimeMs, lastTimeMs, end: bytes, dead, deadBytes } = full;
    const ends = { first: full.first, last: full.next - 1, firstTimeMs, lastTimeMs };
    const refs = full.refs.isEmpty ? null : full.refs;
    return { ...ends, bytes, removed: 0, dead, deadBytes, refs };
  }

  /** Begins another chunk, and forgets what the open one has. */
  reset(first: number, bytes?: number): void {
    const { lastTimeMs } = this.#open;
    this.#open = new OpenChunk(first, bytes);
    this.#open.lastTimeMs = lastTimeMs;
  }

  /** Discards a full chunk that is not stored yet. */
  drop(first: number): void {
    this.#sealed.delete(first);
  }

  /**
   * Adds the chunks and pieces that are not stored to a commit.
   *
   * @param infoOf Returns the index entry of a full chunk.
   */
  write(
    batch: Batch,
    writer: RecordWriter,
    streamId: number,
    infoOf: (first: number) => ChunkInfo,
  ): void {
    for (const [seq, input, chunk] of this.#revocable) if (input.isRevoked) chunk.revoke(seq);
    const sealed = [...this.#sealed.values()];
    for (const chunk of sealed) putChunk(batch, writer, streamId, chunk, infoOf(chunk.first));
    putPiece(batch, streamId, this.#open);
    this.#written = { sealed, open: this.#open };
  }

  /**
   * The commit of the last {@linkcode write} is on the disk.
   *
   * @param next The sequence after the last one that it contains.
   * @returns The full chunks that it contains.
   */
  onCommitted(next: number): readonly OpenChunk[] {
    if (this.#written === null) return [];
    const { sealed, open } = this.#written;
    this.#written = null;
    for (const { first } of sealed) this.#sealed.delete(first);
    const end = open.indexOf(next);
    const isFinished = open.offset(end) - open.offset(open.pieceFrom) >= PIECE_BYTES;
    if (isFinished) open.pieceFrom = end;
    this.#revocable = this.#revocable.filter(([seq]) => seq >= next);
    return sealed;
  }

  /** The commit of the last {@linkcode write} has failed. The next commit writes it again. */
  onCommitFailed(): void {
    this.#written = null;
  }
}
