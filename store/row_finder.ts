/** Finds rows in the pages of a damaged file. */
import type { PageFile } from "./page_file.ts";
import { rowSum } from "./row_sum.ts";
import { type Row, type Table, TABLES } from "./store.ts";

/** Kinds of pages of a tree, by their first byte. */
const INNER_NARROW = 2;
const LEAF_NARROW = 10;
const LEAF_WIDE = 13;

/** Bytes of the file's header, which are in front of the first page's own. */
const FILE_HEADER_BYTES = 100;

/** A row that was found, with its table. */
export interface FoundRow extends Row {
  /** The table that its checksum names. */
  readonly table: Table;
}

/** Finds rows on pages by their form and their checksum, without the tree that leads to them. */
export class RowFinder {
  readonly #file: PageFile;

  constructor(file: PageFile) {
    this.#file = file;
  }

  /** The rows of a page. None if it is not a page of a tree, or has no rows. */
  *rowsOn(number: number): Generator<FoundRow, void, void> {
    const bytes = this.#file.page(number);
    if (bytes === null) return;
    const start = number === 1 ? FILE_HEADER_BYTES : 0;
    const kind = bytes[start]!;
    if (kind !== LEAF_WIDE && kind !== LEAF_NARROW && kind !== INNER_NARROW) return;
    const page = new PageReader(bytes, kind === LEAF_WIDE ? "wide" : "narrow");
    const cells = page.unsigned(start + 3, 2);
    const pointers = start + (kind === INNER_NARROW ? 12 : 8);
    for (let cell = 0; cell < cells && pointers + 2 * cell < bytes.length; cell++) {
      const at = page.unsigned(pointers + 2 * cell, 2) + (kind === INNER_NARROW ? 4 : 0);
      const payload = this.#payload(page, at);
      const row = payload === null ? null : rowIn(payload);
      if (row !== null) yield row;
    }
  }

  /** The payload of a cell, including the part on other pages. */
  #payload(page: PageReader, at: number): Uint8Array | null {
    const [length, afterLength] = page.varint(at);
    const [, afterNumber] = page.kind === "wide" ? page.varint(afterLength) : [0, afterLength];
    const local = page.localBytes(length);
    const end = afterNumber + local;
    if (end > page.bytes.length || length > this.#file.pageCount * page.bytes.length) return null;
    const onPage = page.bytes.subarray(afterNumber, end);
    return local === length ? onPage : this.#whole(length, onPage, page.unsigned(end, 4));
  }

  /** A payload that is partly on a chain of other pages. */
  #whole(length: number, onPage: Uint8Array, first: number): Uint8Array | null {
    const parts = [onPage];
    let missing = length - onPage.length;
    for (let number = first; missing > 0;) {
      const bytes = this.#overflowPage(number);
      if (bytes === null) return null;
      const part = bytes.subarray(4, 4 + missing);
      parts.push(part);
      missing -= part.length;
      number = new PageReader(bytes, "wide").unsigned(0, 4);
    }
    // Joined only after everything was found, because a damaged length can have any value.
    return joined(parts, length);
  }

  #overflowPage(number: number): Uint8Array | null {
    if (number < 3 || number > this.#file.pageCount) return null;
    const use = this.#file.useOf(number);
    return use === "overflow" || use === "unknown" ? this.#file.page(number) : null;
  }
}

/** Reads numbers as SQLite writes them. */
class PageReader {
  constructor(readonly bytes: Uint8Array, readonly kind: "wide" | "narrow") {}

  /** A big-endian number of `length` bytes. Bytes past the end are 0. */
  unsigned(at: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value = value * 256 + (this.bytes[at + byte] ?? 0);
    return value;
  }

  /** A number of one to nine bytes, and the offset of its end. */
  varint(at: number): [value: number, end: number] {
    let value = 0;
    for (let count = 1; count < 9; count++, at++) {
      const byte = this.bytes[at] ?? 0;
      value = value * 128 + (byte & 127);
      if (byte < 128) return [value, at + 1];
    }
    return [value * 256 + (this.bytes[at] ?? 0), at + 1];
  }

  /** Bytes of a payload that are kept on the page itself. */
  localBytes(length: number): number {
    const usable = this.bytes.length;
    const most = this.kind === "wide" ? usable - 35 : Math.floor((usable - 12) * 64 / 255) - 23;
    if (length <= most) return length;
    const least = Math.floor((usable - 12) * 32 / 255) - 23;
    const fitting = least + (length - least) % (usable - 4);
    return fitting <= most ? fitting : least;
  }
}

/** The row of a payload: a key, its checksum and a value; `null` if it is not a row of a store. */
function rowIn(payload: Uint8Array): FoundRow | null {
  const reader = new PageReader(payload, "wide");
  const [headerEnd, keyType] = reader.varint(0);
  const [keyKind, sumType] = reader.varint(keyType);
  const [sumKind, valueType] = reader.varint(sumType);
  const [valueKind, end] = reader.varint(valueType);
  const keyBytes = blobBytes(keyKind);
  const valueBytes = blobBytes(valueKind);
  if (end !== headerEnd || keyBytes === null || valueBytes === null) return null;
  const sumBytes = INTEGER_BYTES[sumKind];
  if (sumBytes === undefined) return null;
  const keyEnd = headerEnd + keyBytes;
  const sumEnd = keyEnd + sumBytes;
  if (sumEnd + valueBytes !== payload.length) return null;
  const sum = sumBytes === 0 ? sumKind - 8 : reader.unsigned(keyEnd, sumBytes);
  return rowOf(payload.subarray(headerEnd, keyEnd), sum, payload.subarray(sumEnd));
}

/** The bytes of integers by their serial type. The last two types are the constants 0 and 1. */
const INTEGER_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 2,
  3: 3,
  4: 4,
  5: 6,
  8: 0,
  9: 0,
};

function blobBytes(kind: number): number | null {
  return kind >= 12 && kind % 2 === 0 ? (kind - 12) / 2 : null;
}

function rowOf(key: Uint8Array, sum: number, value: Uint8Array): FoundRow | null {
  const table = TABLES.find((table) => rowSum(table, key, value) === sum);
  return table === undefined ? null : { table, key, value };
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
