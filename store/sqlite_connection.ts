import { DatabaseSync } from "node:sqlite";
import { exists, makeFile } from "./files.ts";
import type { PageFile } from "./page_file.ts";

/**
 * Bytes of a page: a change of a row writes its whole page, and a row must not
 * be much longer than what is left of one. Measured: docs/store.md.
 */
export const PAGE_BYTES = 8192;

/** What an SQLite file of ours says that it is: "FWAY". */
export const APPLICATION_ID = 0x46574159;

/** Bytes of the write-ahead log's file that are kept when it starts over. */
const LOG_BYTES_KEPT = 4 * 1024 * 1024;

/** No version of the tables will be above this: the number in the header is damaged. */
const VERSION_MAX = 65_535;

/** The first bytes of every SQLite file. */
const MAGIC = "SQLite format 3\0";

/** What the file's header has at these places, in files of ours. */
const HEADER: readonly (readonly [at: number, length: number, value: number, name: string])[] = [
  [16, 2, PAGE_BYTES, "page size"],
  [18, 1, 2, "write version"],
  [19, 1, 2, "read version"],
  [20, 1, 0, "reserved bytes"],
  [68, 4, APPLICATION_ID, "application"],
];

/** What a new file is told before all else. It is not said again: that would be a write. */
const NEW_FILE = `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL;`;

/** Opens a database with our settings; a file that is not there is made, empty. */
export function connect(path: string): DatabaseSync {
  const isNew = !exists(path);
  // SQLite would leave its permissions to the umask. Its log gets those of the database.
  if (isNew) makeFile(path);
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      ${isNew ? NEW_FILE : ""}
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = ${LOG_BYTES_KEPT};
      PRAGMA temp_store = MEMORY;
    `);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What is wrong with the first page of a file, in a few words; `null` if nothing is. */
export function headerFault(file: PageFile): string | null {
  const page = file.page(1);
  if (page === null) return "its first page is missing";
  if (new TextDecoder("latin1").decode(page.subarray(0, 16)) !== MAGIC) {
    return "its header is not that of a database";
  }
  for (const [at, length, value, name] of HEADER) {
    if (numberAt(page, at, length) !== value) return `the ${name} in its header is wrong`;
  }
  return null;
}

/**
 * What is wrong with the version in the header of a file that is whole, in a few
 * words; `null` if a Fairway can have written it, be it a newer one.
 */
export function versionFault(file: PageFile): string | null {
  const version = headerVersion(file);
  const isPlausible = version >= 1 && version <= VERSION_MAX;
  return isPlausible ? null : `the version in its header, ${version}, is wrong`;
}

/** The version in the header of a file; 0 if it cannot be told. */
export function headerVersion(file: PageFile): number {
  const page = file.page(1);
  return page === null ? 0 : numberAt(page, 60, 4);
}

function numberAt(page: Uint8Array, at: number, length: number): number {
  return page.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0);
}
