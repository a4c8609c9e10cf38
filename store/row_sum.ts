/** The checksum of a row. */
import { crc32 } from "node:zlib";
import { type Table, TABLES } from "./store.ts";

/**
 * The checksum that is stored with a row. SQLite does not notice a bit that changes inside a value.
 * The checksum also says which table the rows of a lost page belong to.
 */
export function rowSum(table: Table, key: Uint8Array, value: Uint8Array): number {
  const seed = TABLES.indexOf(table) + 1 + key.length * 16;
  return crc32(value, crc32(key, seed));
}

/** A row as it was read from the disk. Its types are not certain, so they are checked. */
export interface StoredRow {
  /** Bytes, if the row is whole. */
  readonly key: unknown;
  /** The {@linkcode rowSum} of the row when it was put. */
  readonly sum: unknown;
  /** Bytes, if the row is whole. */
  readonly value: unknown;
}

/** Whether a row is the same as when it was put. */
export function isWhole(
  table: Table,
  row: StoredRow,
): row is { key: Uint8Array<ArrayBuffer>; sum: number; value: Uint8Array<ArrayBuffer> } {
  // A changed bit can turn bytes into a number or a text.
  return row.key instanceof Uint8Array && row.value instanceof Uint8Array &&
    rowSum(table, row.key, row.value) === row.sum;
}
