/** The newest chunks of a stream, which are not full or not stored. */
import type { Batch } from "../store/batch.ts";
import type { RecordWriter } from "../store/record.ts";
import { OpenChunk } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";
import type { StreamInput } from "./record.ts";
import { putChunk, putPiece } from "./stream_row.ts";

/** Bytes from which on a piece of the open chunk is finished: no commit writes it again. */
const PIECE_BYTES = 4096;

/**
 * The end of a stream: the chunk that takes more messages, and full ones that the store does not
 * have yet. The open chunk is in the store in pieces of some kilobytes: a commit writes the last
 * piece again, and not the whole chunk. A full chunk takes the place of its pieces.
 */
export class StreamTail {
  #open: OpenChunk;
  readonly #sealed = new Map<number, OpenChunk>();
  /** Messages that were appended since the last commit, and may be revoked. */
  #revocable: [seq: number, input: StreamInput, chunk: OpenChunk][] = [];
  /** What the commit under way holds. */
  #written: { sealed: OpenChunk[]; open: OpenChunk } | null = null;

  constructor(open: OpenChunk) {
    this.#open = open;
  }

  /** The chunk that takes more messages. */
  get open(): OpenChunk {
    return this.#open;
  }

  /** What it costs in memory, in bytes. */
  get bytes(): number {
    let bytes = this.#open.weight;
    for (const { weight } of this.#sealed.values()) bytes += weight;
    return bytes;
  }

  /** The full chunk that begins with a sequence, if the store does not have it yet. */
  sealed(first: number): OpenChunk | undefined {
    return this.#sealed.get(first);
  }

  /**
   * Appends a message.
   *
   * @param isRevocable Whether `isRevoked` of the input is looked at until a commit holds it.
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
   * Begins another chunk.
   *
   * @param first The sequence of its first message.
   * @returns What is known of the chunk that is full; `null` if it was empty.
   */
  startOver(first: number): ChunkInfo | null {
    const full = this.#open;
    this.reset(first);
    if (full.count === 0) return null;
    full.seal();
    this.#sealed.set(full.first, full);
    const { firstTimeMs, lastTimeMs, end: bytes, dead, deadBytes } = full;
    const last = full.next - 1;
    return { first: full.first, last, firstTimeMs, lastTimeMs, bytes, removed: 0, dead, deadBytes };
  }

  /** Begins another chunk, and forgets what the open one has. */
  reset(first: number): void {
    const { lastTimeMs } = this.#open;
    this.#open = new OpenChunk(first);
    this.#open.lastTimeMs = lastTimeMs;
  }

  /** Forgets a full chunk. */
  drop(first: number): void {
    this.#sealed.delete(first);
  }

  /**
   * Adds what the store does not have to a commit.
   *
   * @param infoOf What is known of a full chunk.
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
   * @param next The sequence after the last one that it has.
   * @returns The full chunks that it has.
   */
  committed(next: number): readonly OpenChunk[] {
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

  /** The commit of the last {@linkcode write} has failed: the next one tries again. */
  commitFailed(): void {
    this.#written = null;
  }
}
