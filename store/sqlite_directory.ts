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

/** Calls back once, in so many milliseconds; what it returns takes that back. */
export type Schedule = (inMs: number, callback: () => void) => () => void;

/** How a directory is opened. */
export interface DirectoryOptions extends Partial<UpkeepLimits> {
  /** Whether a damaged file is refused instead of saved as far as it goes. */
  readonly strict?: boolean;
  /** What was found damaged when it was open before; it is saved then without a further look. */
  readonly fault?: string;
  /** Bytes that are kept free for removing rows when the disk is full. */
  readonly reserveBytes?: number;
  /** When the steps of the upkeep are taken; by the timers of the machine by default. */
  readonly schedule?: Schedule;
  /** The time, in milliseconds since 1970, for the name of what is set aside. */
  readonly now?: () => number;
  /** How tables are made, from version to version. */
  readonly migrations?: readonly string[];
}

/** Pages of the write-ahead log, 8 KiB each, before they are copied into the file. */
const LOG_PAGES_MAX = 64;

/** Free pages, 8 KiB each, that a file keeps for what comes next. */
const FREE_PAGES_MAX = 256;

/** Room for the log's pages in the file, and as much for the log to grow. */
const RESERVE_BYTES = 1024 * 1024;

/** Between two steps of giving pages back, for everything else to have its turn. */
const SHRINK_PAUSE_MS = 20;

/** Longer than this a value is not let in while the disk is full. */
const LIGHT_VALUE_BYTES_MAX = 256;

/** A directory with a store in it, open and locked; everything it does is done on return. */
export class SqliteDirectory {
  readonly #directory: string;
  readonly #options: DirectoryOptions;
  readonly #path: string;
  /** Where it is noted that a part of the file could not be read. */
  readonly #note: string;
  readonly #lock: DirectoryLock;
  readonly #file: SqliteFile;
  readonly #upkeep: Upkeep;
  readonly #reserve: Reserve;
  readonly #inPlace: FilesInPlace;
  readonly #schedule: Schedule;
  #takeBack: (() => void) | null = null;
  /** Whether pages at the end of the file are being given back. */
  #isShrinking = false;
  /** Why the log could not be copied into the file; `null` if it could. */
  #stuck: StoreError | null = null;
  /** Whether the files were not in their places when that was looked at last. */
  #isGone = false;
  /** What was found damaged since it was opened; `null` if nothing was. */
  #fault: string | null = null;

  /** What was found damaged; `null` if nothing was. */
  readonly damage: Damage | null;

  /**
   * Makes the directory if it is not there.
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
      // What a crash left in the log: a log that starts over has nothing unfinished at its end.
      this.#checkpoint();
      this.#inPlace = new FilesInPlace(directory, [this.#path, `${this.#path}-wal`]);
    } catch (error) {
      this.#lock.release();
      throw toStoreError(what, error);
    }
  }

  /** See `Store.commit`; {@linkcode tidy} is to be called after it. */
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

  /** What can wait until whoever waits for the commit was told: a few milliseconds at most. */
  tidy(): void {
    if (this.#upkeep.isLogLong) this.#checkpoint();
    this.#takeBack ??= this.#schedule(SHRINK_PAUSE_MS, () => {
      this.#takeBack = null;
      this.#shrink();
    });
  }

  /**
   * Closes everything, saves what can be saved after a read has shown damage,
   * and opens it again. Nothing may be called after it.
   *
   * @returns What takes the place of this one.
   * @throws {StoreDamagedError} If it was opened strictly; nothing was touched.
   */
  repair(): SqliteDirectory {
    try {
      this.close();
    } catch {
      // What is damaged may not even be closed in good order; what can be read is read page by page.
    }
    return new SqliteDirectory(this.#directory, {
      ...this.#options,
      ...this.#fault === null ? {} : { fault: this.#fault },
    });
  }

  /** Closes everything. Nothing may be called after it. */
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

  /** Does something, and leaves a note for the next start if damage comes to light. */
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
   * What goes into files that nobody finds any more must not be acknowledged.
   * Looked at before each commit: the one under way when they go is lost with
   * them, as all before it.
   */
  #mustBeInPlace(): void {
    const fault = this.#inPlace.fault();
    // If only the log is gone: what was acknowledged is on the disk once it is in the database.
    if (fault !== null && !this.#isGone) this.#checkpoint();
    this.#isGone = fault !== null;
    if (fault === null) return;
    throw new StoreGoneError(
      `Cannot write ${this.#path}: ${fault} while the broker was running; ` +
        "put back what was there, or start the broker again",
    );
  }

  /** Makes room for removing rows: what is in the log goes into the file, and the log starts over. */
  #makeRoom(): void {
    this.#reserve.giveUp();
    this.#checkpoint();
  }

  #checkpoint(): void {
    try {
      this.#noting(() => this.#upkeep.checkpoint());
      this.#stuck = null;
    } catch (error) {
      // Nothing is lost: the log keeps it all, and grows. The next commit tries again.
      this.#stuck = error as StoreError;
    }
  }

  /** The log must not grow for ever. On a full disk it cannot; otherwise a commit has to wait. */
  #retry(): void {
    this.#checkpoint();
    if (this.#stuck !== null && !(this.#stuck instanceof StoreFullError)) throw this.#stuck;
  }

  #shrink(): void {
    try {
      const isShrinking = this.#noting(() => this.#upkeep.shrink());
      // The file is cut when what is in the log is copied.
      if (this.#isShrinking && !isShrinking) this.#checkpoint();
      this.#isShrinking = isShrinking;
      if (isShrinking) this.tidy();
    } catch {
      // The file stays as long as it is; whether that is noted was seen to.
    }
  }
}

function leaveNote(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { mode: FILE_MODE });
  } catch {
    // What was found is told all the same; the next start finds it as it did this time.
  }
}

/** Whether a batch mostly makes room: it is let in while the disk is full. */
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
