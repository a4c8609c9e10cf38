/** The interface of a store: tables of rows, committed in batches. */
import type { Batch } from "./batch.ts";

/**
 * The tables of a store. A store keeps keys and values as bytes, in the order of the keys. It does
 * not know what a row means.
 */
export const TABLES = [
  "meta",
  "sessions",
  "joins",
  "subscriptions",
  "retained",
  "wills",
  "messages",
  "entries",
  "streams",
  "stream_index",
  "stream_chunks",
  "bans",
  "stream_groups",
  "accounts",
  "delayed",
] as const;

/** The name of a table. */
export type Table = typeof TABLES[number];

/** A row as it was committed. The caller may keep and change its bytes. */
export interface Row {
  /** Its key: its place in the table. */
  readonly key: Uint8Array;
  /** Its value. */
  readonly value: Uint8Array;
}

/**
 * Where a scan ends, whichever limit comes first. A scan always returns at least one row if there
 * is one.
 */
export interface ScanLimit {
  /** Rows. */
  readonly rows: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

/** How large a store is. */
export interface StoreSize {
  /** Bytes on disk (or in memory), of everything it keeps. */
  readonly bytes: number;
  /** How many of these bytes are free. They are used again, or given back to the disk. */
  readonly freeBytes: number;
}

/** The damage that was found in a store. */
export interface Damage {
  /** The path at which the damaged files were set aside, for inspection. */
  readonly setAside: string;
  /** What was wrong, in one line. */
  readonly reason: string;
  /** How many rows were recovered, in all tables. */
  readonly rowsSaved: number;
}

/**
 * Keeps rows that survive a crash. After a crash at any moment, every finished commit is there, and
 * an unfinished one is there as a whole or not at all.
 */
export interface Store {
  /**
   * The damage that was found when the store was opened, or was repaired; `null` if there was none.
   */
  readonly damage: Damage | null;
  /**
   * Commits the changes of a batch, in order. The batch belongs to the store from now on: do not
   * use it again. Only one commit may be in progress at a time.
   *
   * @returns A promise that resolves when everything is on the disk.
   * @throws {StoreFullError} If there is no room; nothing has changed, and the store keeps working.
   * @throws {StoreGoneError} If its files were removed or moved; nothing has changed.
   * @throws {StoreError} If it fails otherwise; nothing has changed.
   * @throws {TypeError} If another commit is in progress.
   */
  commit(batch: Batch): Promise<void>;
  /**
   * Reads rows with `from <= key < to`, in order. It sees every commit that was finished when it
   * was called, and any other commit as a whole or not at all.
   *
   * @param to `null` for the end of the table.
   */
  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]>;
  /**
   * Reads rows by their keys, as {@linkcode Store.scan} sees them.
   *
   * @returns A value for each key, in the order of the keys; `null` where there is no row. The
   * values belong to the caller.
   */
  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]>;
  /** How large the store is. */
  size(): Promise<StoreSize>;
  /**
   * Recovers what is whole, after a read has failed with {@linkcode StoreDamagedError}. {@linkcode
   * Store.damage} describes it afterwards. A store without this method stays damaged.
   *
   * @throws {StoreDamagedError} If the store was opened with `strict`. It is closed then, and no
   * file was changed.
   * @throws {StoreError} If the repair fails. The store is closed then.
   */
  repair?(): Promise<void>;
  /** Waits for the commit in progress, and releases everything. Closing again does nothing. */
  close(): Promise<void>;
}

/** A store has failed. The base class of all errors of a store. */
export class StoreError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "StoreError";
}

/** There is no room for a commit. */
export class StoreFullError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreFullError";
}

/**
 * The files of the store were removed, moved away or replaced while it was open, so a commit would
 * be lost. Commits succeed again when the files are back.
 */
export class StoreGoneError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreGoneError";
}

/** Another broker has the store open. */
export class StoreLockedError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreLockedError";
}

/** The store was written by a newer version. */
export class StoreVersionError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreVersionError";
}

/**
 * The store is damaged: it was opened with `strict`, or rows cannot be read. In the second case,
 * the next start recovers what is whole.
 */
export class StoreDamagedError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreDamagedError";
}
