/** Copies messages of a stream that drops them to the sessions that refer to them. */
import { numberKey, numberOfKey, RecordReader, RecordWriter } from "../../store/record.ts";
import type { Row, Store } from "../../store/store.ts";
import { StoreError } from "../../store/store.ts";
import type { References, ReferredChunk as Dropped } from "../../stream/held_chunks.ts";
import type { Receipt } from "../../log/receipt.ts";
import type { Calendar } from "../base/calendar.ts";
import type { Commit } from "../base/commit.ts";
import type { Changes } from "./changes.ts";
import { isReference, readReference, ReferredChunk } from "./stream_reference.ts";

/** The rows that are read and copied at once. */
const PAGE = { rows: 64, bytes: 256 * 1024 };

/** The journal, as it is needed here. */
export interface CopyJournal {
  readonly changes: Changes;
  readonly chunks: { has(id: number): boolean };
  readonly gathering: Commit;
  readonly underWay: Commit | null;
  readonly isClosing: boolean;
  commitSoon(): void;
  whenStored(commit: Commit): Receipt;
}

/**
 * A message that a session waits for and a stream keeps is stored once, in the stream. When the
 * stream drops a chunk of its messages, this writes those that are still needed into the rows of
 * the sessions' messages. The stream keeps the chunk in the store until that is committed.
 */
export class ReferenceCopies implements References {
  readonly #journal: CopyJournal;
  readonly #store: Store;
  readonly #calendar: Calendar;
  readonly #writer = new RecordWriter();
  /** The last copy. One row may refer to several chunks, so one is copied after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(journal: CopyJournal, store: Store, calendar: Calendar) {
    this.#journal = journal;
    this.#store = store;
    this.#calendar = calendar;
  }

  get isClosing(): boolean {
    return this.#journal.isClosing;
  }

  copy(streamId: number, chunk: Dropped): Promise<void> {
    const copied = this.#last.then(() => this.#copy(streamId, chunk));
    this.#last = copied.catch(() => {});
    return copied;
  }

  async #copy(streamId: number, { first, last, refs }: Dropped): Promise<void> {
    // What it stores may refer to the chunk. No later commit does.
    await this.#journal.underWay?.over;
    let chunk: ReferredChunk | null = null;
    for (const range of refs.ranges) {
      for (let from = range.first; from <= range.last;) {
        const keys = [numberKey(from), numberKey(range.last + 1)] as const;
        const rows = await this.#store.scan("messages", ...keys, PAGE);
        if (rows.length === 0) break;
        from = numberOfKey(rows.at(-1)!.key) + 1;
        const referring = rows.filter((row) => this.#refers(row, streamId, first));
        if (referring.length === 0) continue;
        chunk ??= await ReferredChunk.read(this.#store, this.#calendar, { streamId, first, last });
        await this.#rewrite(referring, streamId, first, chunk);
      }
    }
  }

  /** Whether a row that is still needed refers to a chunk of a stream. */
  #refers({ key, value }: Row, streamId: number, first: number): boolean {
    if (!this.#journal.chunks.has(numberOfKey(key))) return false;
    for (const piece of piecesOf(value)) if (isTo(piece, streamId, first)) return true;
    return false;
  }

  /** Writes rows again, with the messages of the chunk in them. */
  async #rewrite(
    rows: readonly Row[],
    streamId: number,
    first: number,
    chunk: ReferredChunk,
  ): Promise<void> {
    const { changes, gathering } = this.#journal;
    for (const { key, value } of rows) {
      const writer = this.#writer.reset();
      for (const piece of piecesOf(value)) {
        const start = writer.beginLongPiece();
        const isCopied = isTo(piece, streamId, first) && chunk.write(writer, readReference(piece));
        // What the stream has lost stays a reference, and is counted when it is read.
        if (!isCopied) writer.raw(piece);
        writer.endLongPiece(start);
      }
      changes.copies.set(numberOfKey(key), writer.bytes.slice());
    }
    this.#journal.commitSoon();
    await this.#journal.whenStored(gathering);
    if (this.#journal.isClosing) throw new StoreError("Cannot copy messages: the store is closed");
  }
}

function isTo(piece: Uint8Array, streamId: number, first: number): boolean {
  if (!isReference(piece)) return false;
  const reference = readReference(piece);
  return reference.streamId === streamId && reference.first === first;
}

/** The messages of a row, as bytes. */
function* piecesOf(value: Uint8Array): Generator<Uint8Array, void, void> {
  const reader = new RecordReader(value);
  while (!reader.isAtEnd) yield reader.longPiece();
}
