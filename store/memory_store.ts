/** A store in memory, for tests and simulations. */
import type { Batch, Change } from "./batch.ts";
import { compareKeys } from "./keys.ts";
import {
  type Damage,
  type Row,
  type ScanLimit,
  type Store,
  StoreError,
  type StoreSize,
  type Table,
  TABLES,
} from "./store.ts";

/** The rows of a store at one moment. Later commits do not change it. */
export type StoreSnapshot = ReadonlyMap<Table, readonly Row[]>;

/** How a {@linkcode MemoryStore} behaves. */
export interface MemoryStoreOptions {
  /**
   * Decides when a commit, a scan or another operation finishes: when `done` is called. By default
   * at once. A simulation uses it for the time of a disk.
   */
  readonly defer?: (done: () => void) => void;
}

/**
 * A store that keeps its rows in memory, for tests, for simulations, and for programs that want no
 * files. It passes the same tests as `SqliteStore`.
 */
export class MemoryStore implements Store {
  /** Always `null`: memory is never damaged. */
  readonly damage: Damage | null = null;
  readonly #tables: Map<Table, Row[]>;
  readonly #defer: (done: () => void) => void;
  #underWay: Batch | null = null;
  #settled: Promise<void> = Promise.resolve();
  #closed = false;

  /** Makes an empty store. */
  constructor(options: MemoryStoreOptions = {}) {
    this.#tables = new Map(TABLES.map((table) => [table, []]));
    this.#defer = options.defer ?? queueMicrotask;
  }

  /** Makes a store with the rows of `snapshot`, like one that is opened after a crash. */
  static from(snapshot: StoreSnapshot, options: MemoryStoreOptions = {}): MemoryStore {
    const store = new MemoryStore(options);
    for (const [table, rows] of snapshot) store.#tables.set(table, rows.slice());
    return store;
  }

  /**
   * The rows that would survive a crash at this moment.
   *
   * @param underWay What happens to an unfinished commit: it is `"lost"`, or `"kept"` although its
   * promise has not resolved.
   */
  snapshot(underWay: "lost" | "kept" = "lost"): StoreSnapshot {
    const copy = new Map([...this.#tables].map(([table, rows]) => [table, rows.slice()]));
    if (underWay === "kept" && this.#underWay !== null) apply(this.#underWay, copy);
    return copy;
  }

  /** See {@linkcode Store.commit}. */
  commit(batch: Batch): Promise<void> {
    if (this.#closed) return Promise.reject(closed());
    if (this.#underWay !== null) {
      return Promise.reject(new TypeError("Cannot commit: a commit is under way"));
    }
    this.#underWay = batch;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled = promise;
    this.#defer(() => {
      apply(batch, this.#tables);
      this.#underWay = null;
      resolve();
    });
    return promise;
  }

  /** See {@linkcode Store.scan}. */
  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]> {
    if (this.#closed) return Promise.reject(closed());
    const rows = this.#tables.get(table)!;
    const end = to === null ? rows.length : position(rows, to);
    const found: Row[] = [];
    let bytes = 0;
    for (let at = position(rows, from); at < end && found.length < Math.max(1, limit.rows); at++) {
      const { key, value } = rows[at]!;
      bytes += key.length + value.length;
      if (bytes > limit.bytes && found.length > 0) break;
      found.push({ key: key.slice(), value: value.slice() });
    }
    return this.#later(() => found);
  }

  /** See {@linkcode Store.get}. */
  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    if (this.#closed) return Promise.reject(closed());
    const rows = this.#tables.get(table)!;
    const values = keys.map((key) => {
      const row = rows[position(rows, key)];
      return row !== undefined && compareKeys(row.key, key) === 0 ? row.value.slice() : null;
    });
    return this.#later(() => values);
  }

  /** See {@linkcode Store.size}. Memory has no free bytes. */
  size(): Promise<StoreSize> {
    if (this.#closed) return Promise.reject(closed());
    let bytes = 0;
    for (const rows of this.#tables.values()) {
      for (const { key, value } of rows) bytes += key.length + value.length;
    }
    return this.#later(() => ({ bytes, freeBytes: 0 }));
  }

  /** Waits for the commit in progress. Closing again does nothing. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#settled;
  }

  /** Closes the store. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #later<T>(answer: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#defer(() => resolve(answer()));
    return promise;
  }
}

function closed(): StoreError {
  return new StoreError("Cannot use the store: it is closed");
}

function apply(batch: Batch, tables: Map<Table, Row[]>): void {
  for (const change of batch) applyChange(change, tables.get(change.table)!);
}

function applyChange(change: Change, rows: Row[]): void {
  if (change.kind === "remove-range") {
    const start = position(rows, change.from);
    rows.splice(start, Math.max(0, position(rows, change.to) - start));
    return;
  }
  const at = position(rows, change.key);
  const there = at < rows.length && compareKeys(rows[at]!.key, change.key) === 0 ? 1 : 0;
  if (change.kind === "remove") rows.splice(at, there);
  else rows.splice(at, there, { key: change.key.slice(), value: change.value.slice() });
}

/** The index of the first row whose key is not below `key`. */
function position(rows: readonly Row[], key: Uint8Array): number {
  let low = 0;
  let high = rows.length;
  // Most keys are larger than all earlier ones.
  if (high > 0 && compareKeys(rows[high - 1]!.key, key) < 0) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(rows[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
