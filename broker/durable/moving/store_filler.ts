/** Fills a new store with rows, in large commits. */
import { Batch } from "../../../store/batch.ts";
import type { Store, Table } from "../../../store/store.ts";

/** Bytes of rows that are committed together. */
const COMMIT_BYTES = 1024 * 1024;

/** Writes rows to a store. At most two commits of rows are in memory: one is written, one gathers. */
export class StoreFiller {
  readonly #store: Store;
  #batch = new Batch();
  #bytes = 0;
  #underWay: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether {@linkcode flush} is due. */
  get isFull(): boolean {
    return this.#bytes >= COMMIT_BYTES;
  }

  /** Adds a row. Copies key and value. */
  put(table: Table, key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(table, key, value);
    this.#bytes += key.length + value.length;
  }

  /**
   * Commits what was added, when the commit before is over.
   *
   * @throws {StoreError} If that has failed.
   */
  async flush(): Promise<void> {
    await this.#underWay;
    if (this.#batch.changes === 0) return;
    this.#underWay = this.#store.commit(this.#batch);
    // It is reported to who waits for it.
    this.#underWay.catch(() => {});
    this.#batch = new Batch();
    this.#bytes = 0;
  }

  /**
   * Commits everything, and waits for it.
   *
   * @throws {StoreError} If it has failed.
   */
  async finish(): Promise<void> {
    await this.flush();
    await this.#underWay;
  }
}

/** Fills several stores. */
export class StoreFillers {
  readonly all: readonly StoreFiller[];

  constructor(stores: readonly Store[]) {
    this.all = stores.map((store) => new StoreFiller(store));
  }

  /** Adds a row to every store. */
  putToAll(table: Table, key: Uint8Array, value: Uint8Array): void {
    for (const filler of this.all) filler.put(table, key, value);
  }

  /** Commits where much was added. Call it after each page of rows. */
  async makeRoom(): Promise<void> {
    for (const filler of this.all) if (filler.isFull) await filler.flush();
  }

  /** Commits everything, and waits for it. */
  async finish(): Promise<void> {
    await Promise.all(this.all.map((filler) => filler.finish()));
  }
}
