/** Rows that are kept as bytes, one behind the other in few large buffers. */

/** Bytes of a buffer. A row that is longer than a quarter of it gets one of its own. */
const BUFFER_BYTES = 256 * 1024;

/**
 * Where the bytes of a row are: `buffer[start, end)`, which never changes. A hundred thousand arrays
 * of a few bytes would cost some 200 bytes more each.
 */
export interface RowPlace {
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What is kept as the bytes of its row. */
export abstract class PackedRow {
  readonly #buffer: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  constructor({ buffer, start, end }: RowPlace) {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
  }

  /** The bytes of its row; a view. */
  protected get row(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }
}

/**
 * Keeps rows as bytes. A buffer is garbage when none of its rows is held any more, so rows of the
 * same kind should be kept together.
 */
export class PackedRows {
  #buffer = new Uint8Array(0);
  #end = 0;

  /** Copies a row. */
  keep(bytes: Uint8Array): RowPlace {
    const { length } = bytes;
    if (length > BUFFER_BYTES / 4) return { buffer: bytes.slice(), start: 0, end: length };
    if (this.#end + length > this.#buffer.length) {
      this.#buffer = new Uint8Array(BUFFER_BYTES);
      this.#end = 0;
    }
    const buffer = this.#buffer;
    const start = this.#end;
    buffer.set(bytes, start);
    return { buffer, start, end: this.#end = start + length };
  }
}
