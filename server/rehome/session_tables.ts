/** The part of a store that has to do with sessions, as a store of its own. */
import type { Batch } from "../../store/batch.ts";
import type { Damage, Row, ScanLimit, Store, StoreSize, Table } from "../../store/store.ts";

/** What sessions are made of. */
const VISIBLE: ReadonlySet<Table> = new Set([
  "meta",
  "sessions",
  "joins",
  "subscriptions",
  "messages",
  "entries",
  // Messages of sessions may refer to chunks of streams, and streams without a row are not touched.
  "stream_chunks",
]);

/**
 * Shows a broker only the sessions of a store, and what waits for them. So the broker publishes no
 * wills and no delayed messages, for which it would lack the rules of its configuration, and reads no
 * retained messages and streams. Closing it does not close the store.
 */
export class SessionTables implements Store {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get damage(): Damage | null {
    return this.#store.damage;
  }

  commit(batch: Batch): Promise<void> {
    return this.#store.commit(batch);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]> {
    if (!VISIBLE.has(table)) return Promise.resolve([]);
    return this.#store.scan(table, from, to, limit);
  }

  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    if (!VISIBLE.has(table)) return Promise.resolve(keys.map(() => null));
    return this.#store.get(table, keys);
  }

  size(): Promise<StoreSize> {
    return this.#store.size();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
