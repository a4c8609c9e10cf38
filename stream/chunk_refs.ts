/** Which messages of sessions refer to messages of a chunk of a stream. */
import type { RecordReader, RecordWriter } from "../store/record.ts";

/** The limit of the ranges of one chunk. Beyond it, the last range takes in what comes. */
const RANGES_MAX = 32;

/** A range of identifiers, both ends included. */
export interface IdRange {
  first: number;
  last: number;
}

/**
 * The chunks of messages of sessions that may refer to messages of a chunk of a stream, as ranges of
 * their identifiers. They are a superset: most of those chunks are removed before anybody asks.
 */
export class ChunkRefs {
  readonly #ranges: IdRange[] = [];

  /** Whether nothing refers to the chunk. */
  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** The ranges. */
  get ranges(): readonly Readonly<IdRange>[] {
    return this.#ranges;
  }

  /** Adds an identifier. It is usually the highest so far. */
  add(id: number): void {
    const range = this.#ranges.at(-1);
    const isNew = range === undefined || id > range.last + 1;
    if (isNew && this.#ranges.length < RANGES_MAX) {
      this.#ranges.push({ first: id, last: id });
      return;
    }
    range!.first = Math.min(range!.first, id);
    range!.last = Math.max(range!.last, id);
  }

  /** Writes the ranges at the end of a row; nothing if there are none. */
  write(writer: RecordWriter): void {
    for (const { first, last } of this.#ranges) writer.number(first).number(last - first);
  }

  /**
   * Reads the rest of a row.
   *
   * @throws {StoreError} If it is cut short.
   */
  static read(reader: RecordReader): ChunkRefs {
    const refs = new ChunkRefs();
    while (!reader.isAtEnd && refs.#ranges.length < RANGES_MAX) {
      const first = reader.number();
      refs.#ranges.push({ first, last: first + reader.number() });
    }
    return refs;
  }
}
