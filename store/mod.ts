/**
 * Where what must survive is kept: rows of bytes under bytes, in a few tables,
 * committed all or nothing.
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
