/** A store in a directory: database, lock, reserve and upkeep, all synchronous. */
import type { Batch } from "./batch.ts";
import { DirectoryLock } from "./directory_lock.ts";
import { MIGRATIONS } from "./migrations.ts";
import { Reserve } from "./reserve.ts";
import { toStoreError } from "./sqlite_errors.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import { DIRECTORY_MODE, exists, FILE_MODE, removeIfThere, sizeOf } from "./files.ts";
import { FilesInPlace } from "./files_in_place.ts";
import { type OpenDatabase, openDatabase } from "./sqlite_open.ts";
import {
  type Damage,
  type Row,
  type ScanLimit,
  StoreDamagedError,
  type StoreError,
  StoreFullError,
  StoreGoneError,
  type StoreSize,
  type Table,
} from "./store.ts";
import type { Upkeep, UpkeepLimits } from "./upkeep.ts";

/** Calls back once, after `inMs` milliseconds. The returned function cancels the call. */
export type Schedule = (inMs: number, callback: () => void) => () => void;

/** How a directory is opened. */
export interface DirectoryOptions extends Partial<UpkeepLimits> {
  /** Whether a damaged file is refused, and its rows are not recovered. */
  readonly strict?: boolean;
  /**
   * The damage that was found while it was open before. The file is then recovered without another
   * check.
   */
  readonly fault?: string;
  /** Bytes that are kept free for removing rows when the disk is full. */
  readonly reserveBytes?: number;
  /** Schedules the steps of the upkeep; the system's timers by default. */
  readonly schedule?: Schedule;
  /** The time for the name of a file that is set aside, in milliseconds since 1970. */
  readonly now?: () => number;
  /** The migrations. */
  readonly migrations?: readonly string[];
}

/** The pages of the write-ahead log, 8 KiB each, at which the log is copied into the file. */
const LOG_PAGES_MAX = 64;

/** Free pages, 8 KiB each, that a file keeps for later rows. */
const FREE_PAGES_MAX = 256;

/** Room for the log's pages in the file, and as much for the log to grow. */
const RESERVE_BYTES = 1024 * 1024;

/** The time between two steps of shrinking, in which the event loop runs. */
const SHRINK_PAUSE_MS = 20;

/** The longest value that is accepted while the disk is full, in bytes. */
const LIGHT_VALUE_BYTES_MAX = 256;

/** A store in a directory, open and locked. Every method is synchronous. */
export class SqliteDirectory {
  readonly #directory: string;
  readonly #options: DirectoryOptions;
  readonly #path: string;
  /** The path of the mark that says that a part of the file could not be read. */
  readonly #note: string;
  readonly #lock: DirectoryLock;
  readonly #file: SqliteFile;
  readonly #upkeep: Upkeep;
  readonly #reserve: Reserve;
  readonly #inPlace: FilesInPlace;
  readonly #schedule: Schedule;
  #takeBack: (() => void) | null = null;
  /** Whether the file is shrinking. */
  #isShrinking = false;
  /** Why the log could not be copied into the file; `null` if it could. */
  #stuck: StoreError | null = null;
  /** Whether the last check found that the files were not at their paths. */
  #isGone = false;
  /** What was found damaged since it was opened; `null` if nothing was. */
  #fault: string | null = null;

  /** What was found damaged; `null` if nothing was. */
  readonly damage: Damage | null;

  /**
   * Opens the directory, and makes it if it does not exist.
   *
   * @throws {StoreError} As `SqliteStore.open` does.
   */
  constructor(directory: string, options: DirectoryOptions = {}) {
    this.#directory = directory;
    this.#options = options;
    this.#path = `${directory}/fairway.db`;
    this.#note = `${directory}/fairway.suspect`;
    this.#schedule = options.schedule ?? timer;
    const what = `Cannot open ${this.#path}`;
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      this.#lock = new DirectoryLock(directory);
    } catch (error) {
      throw toStoreError(what, error);
    }
    try {
      const { file, upkeep, damage } = this.#open(options);
      this.#file = file;
      this.#upkeep = upkeep;
      this.damage = damage;
      this.#reserve = new Reserve(
        `${directory}/fairway.reserve`,
        options.reserveBytes ?? RESERVE_BYTES,
      );
      this.#reserve.fill();
      // Copies what a crash has left in the log. Then the log starts again without an unfinished
      // end.
      this.#checkpoint();
      this.#inPlace = new FilesInPlace(directory, [this.#path, `${this.#path}-wal`]);
    } catch (error) {
      this.#lock.release();
      throw toStoreError(what, error);
    }
  }

  /** See `Store.commit`. Call {@linkcode tidy} after it. */
  commit(batch: Batch): void {
    this.#mustBeInPlace();
    if (!this.#reserve.isWhole && !isLight(batch) && !this.#reserve.fill() && !this.#fits(batch)) {
      throw new StoreFullError(`Cannot write ${this.#path}: the disk is full`);
    }
    if (this.#stuck !== null) this.#retry();
    try {
      this.#noting(() => this.#file.commit(batch));
    } catch (error) {
      if (!(error instanceof StoreFullError && isLight(batch))) throw error;
      this.#makeRoom();
      this.#noting(() => this.#file.commit(batch));
    }
  }

  /** Whether a file that cannot grow has room for a batch, and for removing rows after it. */
  #fits(batch: Batch): boolean {
    return this.#file.size().freeBytes >= this.#reserve.bytesMax + 2 * batch.bytes.length;
  }

  /** See `Store.scan`. */
  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Row[] {
    return this.#noting(() => this.#file.scan(table, from, to, limit));
  }

  /** See `Store.get`. */
  get(table: Table, keys: readonly Uint8Array[]): (Uint8Array | null)[] {
    return this.#noting(() => this.#file.get(table, keys));
  }

  /** See `Store.size`. */
  size(): StoreSize {
    const { bytes, freeBytes } = this.#file.size();
    const spare = sizeOf(`${this.#path}-wal`) + this.#reserve.bytes;
    return { bytes: bytes + spare, freeBytes: freeBytes + spare };
  }

  /**
   * Does the upkeep that can wait until the commit was reported. It takes a few milliseconds at
   * most.
   */
  tidy(): void {
    if (this.#upkeep.isLogLong) this.#checkpoint();
    this.#takeBack ??= this.#schedule(SHRINK_PAUSE_MS, () => {
      this.#takeBack = null;
      this.#shrink();
    });
  }

  /**
   * Closes everything, recovers what is whole after a read has shown damage, and opens it again. Do
   * not use this object afterwards.
   *
   * @returns The object that replaces this one.
   * @throws {StoreDamagedError} If it was opened with `strict`; no file was changed.
   */
  repair(): SqliteDirectory {
    try {
      this.close();
    } catch {
      // A damaged file may fail to close. What can be read is read page by page.
    }
    return new SqliteDirectory(this.#directory, {
      ...this.#options,
      ...this.#fault === null ? {} : { fault: this.#fault },
    });
  }

  /** Closes everything. Do not use this object afterwards. */
  close(): void {
    this.#takeBack?.();
    try {
      this.#file.close();
    } finally {
      this.#lock.release();
    }
  }

  #open(options: DirectoryOptions): OpenDatabase {
    const open = openDatabase(this.#path, {
      strict: options.strict ?? false,
      isSuspect: exists(this.#note),
      fault: options.fault ?? null,
      steps: options.migrations ?? MIGRATIONS,
      now: options.now ?? Date.now,
      upkeep: {
        logPagesMax: options.logPagesMax ?? LOG_PAGES_MAX,
        freePagesMax: options.freePagesMax ?? FREE_PAGES_MAX,
      },
    });
    removeIfThere(this.#note);
    return open;
  }

  /** Calls `act`, and leaves a mark for the next start if that finds damage. */
  #noting<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const failure = toStoreError(`Cannot use ${this.#path}`, error);
      if (failure instanceof StoreDamagedError) {
        this.#fault = failure.message;
        leaveNote(this.#note, failure.message);
      }
      throw failure;
    }
  }

  /**
   * A commit must not be acknowledged if it goes into a file that no process can find again. So
   * this is checked before each commit. A commit during which the files are removed is lost with
   * them, like all before it.
   */
  #mustBeInPlace(): void {
    const fault = this.#inPlace.fault();
    // If only the log was removed, copying it into the database saves what was acknowledged.
    if (fault !== null && !this.#isGone) this.#checkpoint();
    this.#isGone = fault !== null;
    if (fault === null) return;
    throw new StoreGoneError(
      `Cannot write ${this.#path}: ${fault} while the broker was running; ` +
        "put back what was there, or start the broker again",
    );
  }

  /** Makes room for removing rows: copies the log into the file, so that the log starts again. */
  #makeRoom(): void {
    this.#reserve.giveUp();
    this.#checkpoint();
  }

  #checkpoint(): void {
    try {
      this.#noting(() => this.#upkeep.checkpoint());
      this.#stuck = null;
    } catch (error) {
      // Nothing is lost: the log keeps everything, and grows. The next commit tries again.
      this.#stuck = error as StoreError;
    }
  }

  /**
   * Tries again to copy the log, which must not grow without limit. On a full disk it cannot grow;
   * otherwise the commit fails.
   */
  #retry(): void {
    this.#checkpoint();
    if (this.#stuck !== null && !(this.#stuck instanceof StoreFullError)) throw this.#stuck;
  }

  #shrink(): void {
    try {
      const isShrinking = this.#noting(() => this.#upkeep.shrink());
      // The file becomes shorter when the log is copied.
      if (this.#isShrinking && !isShrinking) this.#checkpoint();
      this.#isShrinking = isShrinking;
      if (isShrinking) this.tidy();
    } catch {
      // The file keeps its size. A mark for damage was left where needed.
    }
  }
}

function leaveNote(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { mode: FILE_MODE });
  } catch {
    // The caller still reports the damage, and the next start can find it again.
  }
}

/** Whether a batch mostly makes room. Such a batch is accepted while the disk is full. */
function isLight(batch: Batch): boolean {
  let puts = 0;
  let removals = 0;
  for (const change of batch) {
    if (change.kind !== "put") removals++;
    else if (change.value.length > LIGHT_VALUE_BYTES_MAX) return false;
    else puts++;
  }
  return removals >= puts;
}

function timer(inMs: number, callback: () => void): () => void {
  const id = setTimeout(callback, inMs);
  return () => clearTimeout(id);
}
