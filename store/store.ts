import type { Batch } from "./batch.ts";

/**
 * The tables of a store. What a row means is the business of whoever writes it;
 * a store keeps bytes under bytes, in the order of the keys.
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
] as const;

/** The name of a table. */
export type Table = typeof TABLES[number];

/** A row as it was committed; key and value belong to whoever asked for it. */
export interface Row {
  /** Its place in the table. */
  readonly key: Uint8Array;
  /** What is kept there. */
  readonly value: Uint8Array;
}

/** Where a scan ends, whichever comes first; it always gives one row if there is one. */
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
  /** Of those, bytes that nothing is kept in; they are used again, or given back. */
  readonly freeBytes: number;
}

/** What was found when a store was opened and could not be used as it was. */
export interface Damage {
  /** Where the damaged files were set aside, for people to look at. */
  readonly setAside: string;
  /** What was wrong, in one line. */
  readonly reason: string;
  /** How many rows could be saved, of every table. */
  readonly rowsSaved: number;
}

/**
 * Rows that survive: what is committed is there after a crash at any moment,
 * and of a commit there is all or nothing.
 */
export interface Store {
  /** What was found damaged when the store was opened; `null` if nothing was. */
  readonly damage: Damage | null;
  /**
   * Commits the changes of a batch, in their order. The batch is the store's
   * from now on. Only one commit may be under way at a time.
   *
   * @returns When everything is on the disk.
   * @throws {StoreFullError} If there is no room; nothing has changed, and the
   * store goes on to work.
   * @throws {StoreGoneError} If its files are not where they were; nothing has changed.
   * @throws {StoreError} If it has failed otherwise; nothing has changed.
   * @throws {TypeError} If another commit is under way.
   */
  commit(batch: Batch): Promise<void>;
  /**
   * Reads rows with `from <= key < to`, in order. It sees every commit that was
   * finished when it was called, and not half of any other.
   *
   * @param to `null` for the end of the table.
   */
  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]>;
  /**
   * Reads rows by their keys, as {@linkcode Store.scan} sees them.
   *
   * @returns A value for each key, in the order of the keys; `null` where there is no row.
   */
  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]>;
  /** How large the store is. */
  size(): Promise<StoreSize>;
  /**
   * Saves what can be saved, after a read has failed with
   * {@linkcode StoreDamagedError}; {@linkcode Store.damage} tells of it then. A
   * store that is without it stays as damaged as it is.
   *
   * @throws {StoreDamagedError} If the store was opened strictly; it is closed
   * then, and nothing was touched.
   * @throws {StoreError} If it cannot; the store is closed then.
   */
  repair?(): Promise<void>;
  /** Waits for the commit under way and lets go of everything. Closing again does nothing. */
  close(): Promise<void>;
}

/** A store could not do what it was asked to. */
export class StoreError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "StoreError";
}

/** There is no room for what should be kept. */
export class StoreFullError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreFullError";
}

/**
 * The files of the store were removed, moved away or replaced while it was
 * open: what is committed would be lost. It works again when they are back.
 */
export class StoreGoneError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreGoneError";
}

/** Somebody else has the store open. */
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
 * The store is damaged: it was to be opened strictly, or what was asked for
 * cannot be read. In the latter case the next opening saves what can be saved.
 */
export class StoreDamagedError extends StoreError {
  /** As every error has it. */
  override readonly name: string = "StoreDamagedError";
}
