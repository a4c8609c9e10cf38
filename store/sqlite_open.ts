import { DatabaseSync } from "node:sqlite";
import { removeIfThere } from "./files.ts";
import { migrate } from "./migrations.ts";
import { StoreDamagedError } from "./store.ts";

/**
 * Bytes of a page: a change of a row writes its whole page, and a row must not
 * be much longer than what is left of one. Measured: docs/store.md.
 */
const PAGE_BYTES = 8192;

/** Bytes of the write-ahead log's file that are kept when it starts over. */
const LOG_BYTES_KEPT = 4 * 1024 * 1024;

/** What an SQLite file of ours says that it is: "FWAY". */
const APPLICATION_ID = 0x46574159;

/** A larger file is not read through when it is opened: it would take too long. */
const CHECKED_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Makes an empty file of the newest version. It has its name only when it is
 * whole: a file that is found empty later has been damaged.
 */
export function createFile(path: string, steps: readonly string[]): void {
  const draft = `${path}-new`;
  for (const file of [`${draft}-wal`, draft]) removeIfThere(file);
  const db = connect(draft);
  try {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    migrate(db, draft, steps);
  } finally {
    db.close();
  }
  Deno.renameSync(draft, path);
}

/**
 * Opens a file that is there, and brings it to the newest version.
 *
 * @param isSuspect Whether something in it could not be read before.
 * @throws {StoreDamagedError} If it is damaged; also in other words of SQLite.
 * @throws {StoreVersionError} If it is of a newer version.
 */
export function openFile(path: string, isSuspect: boolean, steps: readonly string[]): DatabaseSync {
  const { size } = Deno.statSync(path);
  if (size === 0) throw new StoreDamagedError(`Cannot open ${path}: the file is empty`);
  const db = connect(path);
  try {
    const { application_id: id } = db.prepare("PRAGMA application_id").get()!;
    if (id !== APPLICATION_ID) {
      throw new StoreDamagedError(`Cannot open ${path}: its header is malformed`);
    }
    if (isSuspect || size <= CHECKED_BYTES_MAX) check(db, path);
    migrate(db, path, steps);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a database with our settings; a file that is not there is made, empty. */
function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA locking_mode = EXCLUSIVE;
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

function check(db: DatabaseSync, path: string): void {
  const { integrity_check: found } = db.prepare("PRAGMA integrity_check(1)").get()!;
  if (found === "ok") return;
  const line = String(found).replaceAll(/\s+/g, " ");
  throw new StoreDamagedError(`Cannot open ${path}: it is damaged: ${line}`);
}
