/** Opens the database of a store, and recovers a damaged one. */
import type { DatabaseSync } from "node:sqlite";
import { exists, removeIfThere, renameIfThere, sizeOf } from "./files.ts";
import { migrate } from "./migrations.ts";
import { PageFile } from "./page_file.ts";
import { salvage } from "./salvage.ts";
import {
  APPLICATION_ID,
  connect,
  headerFault,
  headerVersion,
  PAGE_BYTES,
  versionFault,
} from "./sqlite_connection.ts";
import { toStoreError } from "./sqlite_errors.ts";
import { SqliteFile } from "./sqlite_file.ts";
import { type Damage, StoreDamagedError, StoreFullError } from "./store.ts";
import { Upkeep, type UpkeepLimits } from "./upkeep.ts";

/** How a database is opened. */
export interface OpenOptions {
  /** Whether a damaged file is refused. Then every row is checked. */
  readonly strict: boolean;
  /** Whether something in it could not be read before. */
  readonly isSuspect: boolean;
  /** The known damage; `null` if there is none. */
  readonly fault: string | null;
  /** The migrations. */
  readonly steps: readonly string[];
  /** The limits of its upkeep. */
  readonly upkeep: UpkeepLimits;
  /** The time for the name of a file that is set aside, in milliseconds since 1970. */
  readonly now: () => number;
}

/** An open database, and the damage that was found. */
export interface OpenDatabase {
  readonly file: SqliteFile;
  readonly upkeep: Upkeep;
  readonly damage: Damage | null;
}

/** A file up to this size is checked completely when it is opened, in less than a second. */
const CHECKED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * A file up to this size is checked page by page, without the indices, in one or two seconds. A
 * larger file opens at once. Its damage is found when it is read.
 */
const GLANCED_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Opens a database, and makes it if it does not exist.
 *
 * A new or recovered file is made under another name, and is renamed only when it is complete. So
 * an empty or partial file is always damage, and the next start can continue an interrupted one.
 */
export function openDatabase(path: string, options: OpenOptions): OpenDatabase {
  const draft = `${path}-new`;
  if (isWhole(draft)) {
    const setAside = replace(path, draft, options.now());
    const reason = "an earlier start was cut short while it saved what it could";
    return reopen(path, options, setAside, reason);
  }
  if (!exists(path) && sizeOf(`${path}-wal`) === 0) {
    makeDraft(draft, options.steps.length, options, () => {});
    Deno.renameSync(draft, path);
    return { ...connectTo(path, options), damage: null };
  }
  const found = options.fault ?? tryOpen(path, options);
  if (typeof found !== "string") return { ...found, damage: null };
  if (options.strict) throw new StoreDamagedError(`Cannot open ${path}: it is damaged: ${found}`);
  saveInto(draft, path, options);
  return reopen(path, options, replace(path, draft, options.now()), found);
}

/** Opens an existing file. Returns a line that says what is wrong with it, if anything is. */
function tryOpen(path: string, options: OpenOptions): Omit<OpenDatabase, "damage"> | string {
  // SQLite would treat it as a new one, and remove its log.
  if (sizeOf(path) === 0) return "the file is empty or missing";
  const pages = new PageFile(path, PAGE_BYTES);
  // Checked before SQLite opens it, because SQLite cuts a damaged log off and removes it.
  const fault = headerFault(pages) ?? versionFault(pages) ?? pages.logFault;
  pages.close();
  if (fault !== null) return fault;
  try {
    const isThorough = options.isSuspect || options.strict;
    const open = connectTo(path, options, checkOf(path, isThorough));
    if (!isThorough) return open;
    const row = open.file.findDamagedRow();
    if (row === null) return open;
    open.file.close();
    return row;
  } catch (error) {
    const { name, message } = toStoreError(`Cannot open ${path}`, error);
    if (name !== "StoreDamagedError") throw error;
    return message;
  }
}

function connectTo(
  path: string,
  options: OpenOptions,
  check: (db: DatabaseSync) => void = () => {},
): Omit<OpenDatabase, "damage"> {
  const db = connect(path);
  try {
    check(db);
    migrate(db, path, options.steps);
    return { file: new SqliteFile(db, path), upkeep: new Upkeep(db, options.upkeep) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Chooses how thoroughly a file is checked when it is opened, by its size. */
function checkOf(path: string, isThorough: boolean): (db: DatabaseSync) => void {
  const bytes = sizeOf(path);
  if (isThorough || bytes <= CHECKED_BYTES_MAX) return (db) => check(db, "integrity_check");
  return bytes <= GLANCED_BYTES_MAX ? (db) => check(db, "quick_check") : () => {};
}

function check(db: DatabaseSync, pragma: "integrity_check" | "quick_check"): void {
  const found = db.prepare(`PRAGMA ${pragma}(1)`).get()![pragma];
  if (found !== "ok") throw new StoreDamagedError(String(found).replaceAll(/\s+/g, " "));
}

function reopen(
  path: string,
  options: OpenOptions,
  setAside: string,
  reason: string,
): OpenDatabase {
  const open = connectTo(path, options);
  return { ...open, damage: { setAside, reason, rowsSaved: open.file.countRows() } };
}

/** Makes a file from what can be read of another. */
function saveInto(draft: string, path: string, options: OpenOptions): void {
  const pages = new PageFile(path, PAGE_BYTES);
  try {
    const version = headerVersion(pages);
    const plausible = version >= 1 && version <= options.steps.length;
    makeDraft(draft, plausible ? version : options.steps.length, options, (file, upkeep) => {
      salvage(pages, file, upkeep);
    });
  } finally {
    pages.close();
  }
}

/** Makes and fills a file. It gets the application id only when it is complete. */
function makeDraft(
  draft: string,
  version: number,
  options: OpenOptions,
  fill: (file: SqliteFile, upkeep: Upkeep) => void,
): void {
  removeIfThere(`${draft}-wal`);
  removeIfThere(draft);
  const db = connect(draft);
  try {
    migrate(db, draft, options.steps.slice(0, version));
    fill(new SqliteFile(db, draft), new Upkeep(db, options.upkeep));
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  } finally {
    db.close();
  }
  if (!isWhole(draft)) throw new StoreFullError(`Cannot make ${draft}: the disk is full`);
}

/** Whether a draft is complete and was closed. */
function isWhole(draft: string): boolean {
  if (!exists(draft) || exists(`${draft}-wal`)) return false;
  const pages = new PageFile(draft, PAGE_BYTES);
  try {
    return headerFault(pages) === null;
  } finally {
    pages.close();
  }
}

/**
 * Sets a file aside, and puts a draft in its place. Returns the name of the file that was set
 * aside.
 */
function replace(path: string, draft: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  let setAside = `${path}.corrupt-${time}`;
  while (exists(setAside) || exists(`${setAside}-wal`)) setAside += "x";
  // The log first, because the log of the damaged file must never be used with the new file.
  renameIfThere(`${path}-wal`, `${setAside}-wal`);
  renameIfThere(path, setAside);
  Deno.renameSync(draft, path);
  return setAside;
}
