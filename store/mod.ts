/**
 * Stores for what must survive a restart: tables of rows, each a key and a value of bytes. A batch
 * of changes is committed as a whole or not at all. `Broker.open` takes a store.
 *
 * @example A broker that keeps its state in memory, and continues from it
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { MemoryStore } from "@fairway/mqtt/store";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MemoryStore();
 * const first = await Broker.open(store);
 * await first.publish("lamp/1", "on", { qos: 1, retain: true });
 * await first.close();
 * await using second = await Broker.open(MemoryStore.from(store.snapshot()));
 * assertEquals(second.stats.retainedMessages, 1);
 * ```
 *
 * @module
 */
export { Batch, type Change } from "./batch.ts";
export { MemoryStore, type MemoryStoreOptions, type StoreSnapshot } from "./memory_store.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite_store.ts";
export {
  type Damage,
  type Row,
  type ScanLimit,
  type Store,
  StoreDamagedError,
  StoreError,
  StoreFullError,
  StoreGoneError,
  StoreLockedError,
  type StoreSize,
  StoreVersionError,
  type Table,
  TABLES,
} from "./store.ts";
