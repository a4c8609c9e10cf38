/** Writes and reads the values and keys of rows. */
import { copyBytes } from "../log/byte_log.ts";
import { StoreError } from "./store.ts";

/** Bytes of a new writer; it doubles as needed. */
const BYTES_MIN = 256;
/** Bits of a number that are written per byte. */
const GROUP = 0x80;

/** Bytes of the length of a long piece. */
const LENGTH_BYTES = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Writes the value of a row, piece by piece. Whole numbers take as many bytes
 * as they need, seven bits in each, the lowest first.
 */
export class RecordWriter {
  #bytes = new Uint8Array(BYTES_MIN);
  #end = 0;

  /** What was written since the last {@linkcode reset}; borrowed until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Starts again, in the same memory. */
  reset(): this {
    this.#end = 0;
    return this;
  }

  /** Writes a whole number, 0 or more and safe. */
  number(value: number): this {
    this.#room(8);
    let rest = value;
    while (rest >= GROUP) {
      this.#bytes[this.#end++] = rest % GROUP + GROUP;
      rest = Math.floor(rest / GROUP);
    }
    this.#bytes[this.#end++] = rest;
    return this;
  }

  /** Writes `bytes[start, end)` after its length. */
  piece(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    this.number(end - start);
    this.#room(end - start);
    copyBytes(bytes, start, end, this.#bytes, this.#end);
    this.#end += end - start;
    return this;
  }

  /** Writes bytes without their length. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    copyBytes(bytes, 0, bytes.length, this.#bytes, this.#end);
    this.#end += bytes.length;
    return this;
  }

  /** Writes text after its length. */
  text(text: string): this {
    return this.piece(encoder.encode(text));
  }

  /**
   * Begins a piece that is written in parts.
   *
   * @returns The value to pass to {@linkcode endLongPiece}.
   */
  beginLongPiece(): number {
    this.#room(LENGTH_BYTES);
    return this.#end += LENGTH_BYTES;
  }

  /** Ends a piece that is written in parts. */
  endLongPiece(start: number): void {
    let rest = this.#end - start;
    for (let at = start - LENGTH_BYTES; at < start; at++) {
      this.#bytes[at] = rest % 0x100;
      rest = Math.floor(rest / 0x100);
    }
  }

  #room(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

/**
 * Reads the value of a row, piece by piece.
 *
 * @throws {StoreError} From every method, if the value ends too early: it was
 * not written by a {@linkcode RecordWriter}, or is damaged.
 */
export class RecordReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes Borrowed: pieces are views of it. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was read. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Reads a whole number. */
  number(): number {
    let value = 0;
    for (let unit = 1;; unit *= GROUP) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || unit > Number.MAX_SAFE_INTEGER) throw cutShort();
      value += byte % GROUP * unit;
      if (byte < GROUP) return value;
    }
  }

  /** Reads bytes; a view. */
  piece(): Uint8Array {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw cutShort();
    const piece = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return piece;
  }

  /** Reads a piece that was written in parts; a view. */
  longPiece(): Uint8Array {
    let length = 0;
    for (let i = LENGTH_BYTES - 1; i >= 0; i--) {
      length = length * 0x100 + (this.#bytes[this.#at + i] ?? 0);
    }
    const start = this.#at + LENGTH_BYTES;
    const end = start + length;
    if (end > this.#bytes.length) throw cutShort();
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  /** Reads everything that is left; a view. */
  rest(): Uint8Array {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }

  /** Reads text. */
  text(): string {
    return decoder.decode(this.piece());
  }
}

function cutShort(): StoreError {
  return new StoreError("A record in the store is cut short");
}

/** A key of whole numbers, 0 or more and safe, that sorts as they do. */
export function numberKey(...numbers: number[]): Uint8Array {
  const key = new Uint8Array(numbers.length * 8);
  const view = new DataView(key.buffer);
  for (let i = 0; i < numbers.length; i++) {
    view.setUint32(i * 8, Math.floor(numbers[i]! / 2 ** 32));
    view.setUint32(i * 8 + 4, numbers[i]! % 2 ** 32);
  }
  return key;
}

/** The whole number at a place of a key of {@linkcode numberKey}. */
export function numberOfKey(key: Uint8Array, place = 0): number {
  if (key.length < place * 8 + 8) throw cutShort();
  let number = 0;
  // Faster than a `DataView`, of which a start would make one for each row.
  for (let at = place * 8; at < place * 8 + 8; at++) number = number * 0x100 + key[at]!;
  return number;
}

/** A key of a whole number and text. */
export function textKey(number: number, text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const key = new Uint8Array(8 + bytes.length);
  key.set(numberKey(number));
  key.set(bytes, 8);
  return key;
}

/** The text of a key of {@linkcode textKey}. */
export function textOfKey(key: Uint8Array): string {
  return decoder.decode(key.subarray(8));
}
