/** Opens an SQLite database with the settings of a store. */
import { DatabaseSync } from "node:sqlite";
import { exists, makeFile } from "./files.ts";
import type { PageFile } from "./page_file.ts";

/**
 * Bytes of a page. A change of a row writes a whole page, so pages should be small; long rows need
 * large ones. docs/store.md has measurements.
 */
export const PAGE_BYTES = 8192;

/** The application id of a store: "FWAY". */
export const APPLICATION_ID = 0x46574159;

/** The size to which the file of the write-ahead log shrinks when the log starts again. */
const LOG_BYTES_KEPT = 4 * 1024 * 1024;

/** The highest plausible version. A higher number in the header is damage. */
const VERSION_MAX = 65_535;

/** The first bytes of every SQLite file. */
const MAGIC = "SQLite format 3\0";

/** What the header of a store has at these offsets. */
const HEADER: readonly (readonly [at: number, length: number, value: number, name: string])[] = [
  [16, 2, PAGE_BYTES, "page size"],
  [18, 1, 2, "write version"],
  [19, 1, 2, "read version"],
  [20, 1, 0, "reserved bytes"],
  [68, 4, APPLICATION_ID, "application"],
];

/** The settings of a new file. They are set only once, because setting them is a write. */
const NEW_FILE = `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL;`;

/** Opens a database with our settings. A missing file is made, empty. */
export function connect(path: string): DatabaseSync {
  const isNew = !exists(path);
  // SQLite would use the umask for the permissions. The log gets the permissions of the database.
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
 * What is wrong with the version in the header of an undamaged file, in a few words; `null` if a
 * Fairway, maybe a newer one, can have written it.
 */
export function versionFault(file: PageFile): string | null {
  const version = headerVersion(file);
  const isPlausible = version >= 1 && version <= VERSION_MAX;
  return isPlausible ? null : `the version in its header, ${version}, is wrong`;
}

/** The version in the header of a file; 0 if it is not known. */
export function headerVersion(file: PageFile): number {
  const page = file.page(1);
  return page === null ? 0 : numberAt(page, 60, 4);
}

function numberAt(page: Uint8Array, at: number, length: number): number {
  return page.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0);
}
