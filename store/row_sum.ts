import { crc32 } from "node:zlib";
import { type Table, TABLES } from "./store.ts";

/**
 * The checksum that is kept beside a row. A bit that turned over on the disk
 * inside a value is nothing that SQLite could see; and a page that lost its
 * place tells by it whose rows it holds.
 */
export function rowSum(table: Table, key: Uint8Array, value: Uint8Array): number {
  const seed = TABLES.indexOf(table) + 1 + key.length * 16;
  return crc32(value, crc32(key, seed));
}

/** A row as the disk gives it: what it should be is checked, not believed. */
export interface StoredRow {
  /** Bytes, if it is whole. */
  readonly key: unknown;
  /** What {@linkcode rowSum} said when it was put. */
  readonly sum: unknown;
  /** Bytes, if it is whole. */
  readonly value: unknown;
}

/** Whether a row is as it was put. */
export function isWhole(
  table: Table,
  row: StoredRow,
): row is { key: Uint8Array<ArrayBuffer>; sum: number; value: Uint8Array<ArrayBuffer> } {
  // A bit in the right place makes a number or a text of bytes.
  return row.key instanceof Uint8Array && row.value instanceof Uint8Array &&
    rowSum(table, row.key, row.value) === row.sum;
}
