/** Changes of rows that are committed together. */
import { type Table, TABLES } from "./store.ts";

/** What a change does. */
const PUT = 0;
const REMOVE = 1;
const REMOVE_RANGE = 2;

/** One change of a batch; the bytes are views of the batch. */
export type Change =
  | {
    readonly kind: "put";
    readonly table: Table;
    readonly key: Uint8Array;
    readonly value: Uint8Array;
  }
  | { readonly kind: "remove"; readonly table: Table; readonly key: Uint8Array }
  | {
    readonly kind: "remove-range";
    readonly table: Table;
    readonly from: Uint8Array;
    readonly to: Uint8Array;
  };

/** Bytes of a new batch; it doubles as needed. */
const BYTES_MIN = 16 * 1024;
/** The maximum size of the buffer that waits for the next batch, in bytes. */
const SPARE_BYTES_MAX = 1024 * 1024;

/**
 * The buffer of a batch that is committed, for the next one. New memory of this size costs more than
 * what is written to it, because the system clears each page of it.
 */
let spare: Uint8Array<ArrayBuffer> | null = null;

/** Takes back the bytes of a batch that nobody reads any more. */
export function reuse({ buffer }: Uint8Array<ArrayBuffer>): void {
  const { byteLength } = buffer;
  if (byteLength > SPARE_BYTES_MAX || byteLength < (spare?.length ?? BYTES_MIN)) return;
  spare = new Uint8Array(buffer);
}

/** The bytes of a new batch. */
function emptyBytes(): Uint8Array<ArrayBuffer> {
  const bytes = spare ?? new Uint8Array(BYTES_MIN);
  spare = null;
  return bytes;
}

/**
 * Changes that are committed together. They are stored one after the other in one buffer, so that a
 * batch can be passed to another thread. Added bytes are copied.
 *
 * A change has a byte for its kind, a byte for the table, and two pieces of bytes. Each piece
 * follows its length in four bytes, little-endian.
 */
export class Batch {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #end = 0;
  #changes = 0;

  /**
   * Makes an empty batch, or reads the changes of another one.
   *
   * @param bytes The {@linkcode Batch.bytes} of another batch, to read.
   */
  constructor(bytes?: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes ?? emptyBytes();
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    if (bytes !== undefined) this.#end = bytes.length;
  }

  /** How many changes were added. */
  get changes(): number {
    return this.#changes;
  }

  /** The changes as bytes; valid until the next one is added. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Sets a row, whether or not it exists. Copies key and value. */
  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    this.#add(PUT, table, key, value);
  }

  /** Removes a row, if it exists. */
  remove(table: Table, key: Uint8Array): void {
    this.#add(REMOVE, table, key, NOTHING);
  }

  /** Removes all rows with `from <= key < to`. */
  removeRange(table: Table, from: Uint8Array, to: Uint8Array): void {
    this.#add(REMOVE_RANGE, table, from, to);
  }

  /** The changes, in the order in which they were added. */
  *[Symbol.iterator](): Generator<Change, void, void> {
    for (let at = 0; at < this.#end;) {
      const kind = this.#bytes[at]!;
      const table = TABLES[this.#bytes[at + 1]!]!;
      const first = this.#piece(at + 2);
      const second = this.#piece(at + 6 + first.length);
      at += 10 + first.length + second.length;
      if (kind === PUT) yield { kind: "put", table, key: first, value: second };
      else if (kind === REMOVE) yield { kind: "remove", table, key: first };
      else yield { kind: "remove-range", table, from: first, to: second };
    }
  }

  #piece(at: number): Uint8Array {
    return this.#bytes.subarray(at + 4, at + 4 + this.#view.getUint32(at, true));
  }

  #add(kind: number, table: Table, first: Uint8Array, second: Uint8Array): void {
    const end = this.#end + 10 + first.length + second.length;
    if (end > this.#bytes.length) this.#grow(end);
    let at = this.#end;
    this.#bytes[at] = kind;
    this.#bytes[at + 1] = TABLES.indexOf(table);
    this.#view.setUint32(at += 2, first.length, true);
    this.#bytes.set(first, at += 4);
    this.#view.setUint32(at += first.length, second.length, true);
    this.#bytes.set(second, at + 4);
    this.#end = end;
    this.#changes++;
  }

  #grow(needed: number): void {
    // After a large value there is room for some more, so that it is not copied for a small one.
    const larger = new Uint8Array(Math.max(needed + (needed >>> 1), this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

const NOTHING = new Uint8Array();
