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
  /** Whether a damaged file is refused; every row is looked at, to be sure. */
  readonly strict: boolean;
  /** Whether something in it could not be read before. */
  readonly isSuspect: boolean;
  /** What is known to be damaged in it; `null` if nothing is. */
  readonly fault: string | null;
  /** How its tables are made, from version to version. */
  readonly steps: readonly string[];
  /** For the upkeep of it. */
  readonly upkeep: UpkeepLimits;
  /** The time, in milliseconds since 1970, for the name of what is set aside. */
  readonly now: () => number;
}

/** A database that is open, and what was found damaged. */
export interface OpenDatabase {
  readonly file: SqliteFile;
  readonly upkeep: Upkeep;
  readonly damage: Damage | null;
}

/** A file up to this is checked wholly when it is opened: less than a second. */
const CHECKED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * One up to this is checked page by page, but not each index beside its table:
 * one or two seconds. A larger one opens at once, and shows damage when it is read.
 */
const GLANCED_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Opens a database, which is made if it is not there.
 *
 * What is new, or was saved, is made under another name, and takes the place of
 * what was there only when it is whole: a file that is empty, or is there in
 * part, has been damaged, and a start that is cut short is taken up by the next.
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

/** Opens a file that is there; tells in a line what is wrong with it, if something is. */
function tryOpen(path: string, options: OpenOptions): Omit<OpenDatabase, "damage"> | string {
  // SQLite takes it for a new one, and removes its log.
  if (sizeOf(path) === 0) return "the file is empty or missing";
  const pages = new PageFile(path, PAGE_BYTES);
  // Before SQLite sees it: for SQLite a log that is damaged has ended, and is removed.
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

/** How thoroughly a file is looked at when it is opened: as far as the time allows. */
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

/** Makes a file of what can be saved of another. */
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

/** Makes a file of a version, and has it filled; it says that it is ours when it is whole. */
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

/** Whether a draft was finished, and closed after it. */
function isWhole(draft: string): boolean {
  if (!exists(draft) || exists(`${draft}-wal`)) return false;
  const pages = new PageFile(draft, PAGE_BYTES);
  try {
    return headerFault(pages) === null;
  } finally {
    pages.close();
  }
}

/** Puts a draft in the place of a file, which is set aside; tells under which name. */
function replace(path: string, draft: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  let setAside = `${path}.corrupt-${time}`;
  while (exists(setAside) || exists(`${setAside}-wal`)) setAside += "x";
  // The log first: a log of the damaged file must never meet the new one.
  renameIfThere(`${path}-wal`, `${setAside}-wal`);
  renameIfThere(path, setAside);
  Deno.renameSync(draft, path);
  return setAside;
}
