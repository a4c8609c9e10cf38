/** The part of a store that has to do with sessions, as a store of its own. */
import type { Batch } from "../../store/batch.ts";
import type { Damage, Row, ScanLimit, Store, StoreSize, Table } from "../../store/store.ts";

/** What sessions are made of. */
const OF_SESSIONS: ReadonlySet<Table> = new Set([
  "meta",
  "sessions",
  "joins",
  "subscriptions",
  "messages",
  "entries",
  // Messages of sessions may refer to chunks of streams, and streams without a row are not touched.
  "stream_chunks",
]);
/** The same with streams. */
const WITH_STREAMS: ReadonlySet<Table> = new Set<Table>([
  ...OF_SESSIONS,
  "streams",
  "stream_index",
  "stream_groups",
]);

/**
 * Shows a broker only the sessions of a store, and what waits for them. So the broker publishes no
 * wills and no delayed messages, for which it would lack the rules of its configuration, and reads no
 * retained messages. Closing it does not close the store.
 */
export class SessionTables implements Store {
  readonly #store: Store;
  readonly #visible: ReadonlySet<Table>;

  /** @param hasStreams Whether the broker sees the streams, too. */
  constructor(store: Store, hasStreams: boolean) {
    this.#store = store;
    this.#visible = hasStreams ? WITH_STREAMS : OF_SESSIONS;
  }

  get damage(): Damage | null {
    return this.#store.damage;
  }

  commit(batch: Batch): Promise<void> {
    return this.#store.commit(batch);
  }

  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Promise<Row[]> {
    if (!this.#visible.has(table)) return Promise.resolve([]);
    return this.#store.scan(table, from, to, limit);
  }

  get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    if (!this.#visible.has(table)) return Promise.resolve(keys.map(() => null));
    return this.#store.get(table, keys);
  }

  size(): Promise<StoreSize> {
    return this.#store.size();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
