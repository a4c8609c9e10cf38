import type { Batch } from "../../store/batch.ts";
import type { Damage, Row, ScanLimit, Store, StoreSize, Table } from "../../store/store.ts";

/** What a store can be asked to do, and fail at. */
export type StoreCall = "commit" | "scan" | "get" | "size";

/** Which call fails, and how. */
export interface StoreFault {
  /** What was asked for. */
  readonly call: StoreCall;
  /** The how manieth call of its kind, from 1 on. */
  readonly at: number;
  /** How many calls of the kind fail from there on; 1 by default. */
  readonly count?: number;
  /** What they fail with. */
  readonly error: () => Error;
}

/**
 * A store that fails at the Nth call of a kind: with N = 1, 2, 3 … a test has
 * been everywhere once {@linkcode FaultyStore.failures} stays 0. A call that
 * fails has changed nothing, as a store promises.
 */
export class FaultyStore implements Store {
  /** How many calls of each kind there were. */
  readonly calls: Record<StoreCall, number> = { commit: 0, scan: 0, get: 0, size: 0 };
  /** How many of them failed by the fault. */
  failures = 0;
  readonly #store: Store;
  readonly #fault: StoreFault;

  constructor(store: Store, fault: StoreFault) {
    this.#store = store;
    this.#fault = fault;
  }

  get damage(): Damage | null {
    return this.#store.damage;
  }

  commit(batch: Batch): Promise<void> {
    return this.#call("commit", () => this.#store.commit(batch));
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]> {
    return this.#call("scan", () => this.#store.scan(table, from, to, limit));
  }

  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return this.#call("get", () => this.#store.get(table, keys));
  }

  size(): Promise<StoreSize> {
    return this.#call("size", () => this.#store.size());
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #call<T>(call: StoreCall, act: () => Promise<T>): Promise<T> {
    const number = ++this.calls[call];
    const { at, count = 1 } = this.#fault;
    if (call !== this.#fault.call || number < at || number >= at + count) return await act();
    this.failures++;
    // As a disk does: not before whoever asked has gone on to something else.
    await Promise.resolve();
    throw this.#fault.error();
  }
}
