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
