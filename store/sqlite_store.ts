import type { Batch } from "./batch.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { SqliteThread } from "./sqlite_thread.ts";
import { type Damage, type Row, type ScanLimit, type Store, StoreError } from "./store.ts";
import type { StoreSize, Table } from "./store.ts";

/** How a {@linkcode SqliteStore} is opened. */
export interface SqliteStoreOptions {
  /**
   * Refuses a damaged file. By default it is set aside, and what can be saved of
   * it is. To be sure, every row is looked at when the store is opened.
   */
  readonly strict?: boolean;
  /**
   * Where the disk is waited for: in a `"worker"`, or in the `"main"` thread,
   * that is the caller's. By default a worker, for a commit takes as long as the
   * disk does, and nothing else happens in its thread meanwhile; but where the
   * code is in local files, and `--allow-read` does not hold for them, a worker
   * cannot be started, and it is the main thread.
   */
  readonly thread?: "worker" | "main";
}

/**
 * A store in a directory of its own, in an SQLite database: needs
 * `--allow-read` and `--allow-write` for the directory, and nothing installed.
 *
 * @example Keep a row
 * ```ts
 * import { Batch, SqliteStore } from "@fairway/mqtt/store";
 *
 * const store = await SqliteStore.open(await Deno.makeTempDir());
 * const batch = new Batch();
 * batch.put("meta", Uint8Array.of(1), Uint8Array.of(2));
 * await store.commit(batch);
 * await store.close();
 * ```
 */
export class SqliteStore implements Store {
  /** Where the disk is waited for. */
  readonly thread: "worker" | "main";
  #damage: Damage | null;
  #backend: SqliteThread | SqliteDirectory;
  #commit: Promise<void> | null = null;
  #closed: Promise<void> | null = null;

  private constructor(backend: SqliteThread | SqliteDirectory, damage: Damage | null) {
    this.#backend = backend;
    this.thread = backend instanceof SqliteDirectory ? "main" : "worker";
    this.#damage = damage;
  }

  /** What was found damaged when the store was opened, or repaired; `null` if nothing was. */
  get damage(): Damage | null {
    return this.#damage;
  }

  /**
   * Opens the store in a directory, which is made if it is not there.
   *
   * @throws {StoreLockedError} If another broker has it open.
   * @throws {StoreVersionError} If it is of a newer version.
   * @throws {StoreDamagedError} If it is damaged, and `strict` is set.
   * @throws {StoreFullError} If there is no room to make it.
   * @throws {StoreError} If it cannot be opened otherwise.
   */
  static async open(directory: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    const strict = options.strict ?? false;
    const thread = options.thread ?? (SqliteThread.mayStart() ? "worker" : "main");
    if (thread === "main") {
      const backend = new SqliteDirectory(directory, { strict });
      return new SqliteStore(backend, backend.damage);
    }
    const { thread: backend, damage } = await SqliteThread.open(directory, strict);
    return new SqliteStore(backend, damage);
  }

  /** See {@linkcode Store.commit}. */
  async commit(batch: Batch): Promise<void> {
    this.#mustBeOpen();
    if (this.#commit !== null) throw new TypeError("Cannot commit: a commit is under way");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#commit = promise;
    try {
      await this.#backend.commit(batch);
    } finally {
      this.#commit = null;
      resolve();
      if (this.#backend instanceof SqliteDirectory) this.#backend.tidy();
    }
  }

  /** See {@linkcode Store.scan}. */
  async scan(
    table: Table,
    from: Uint8Array,
    to: Uint8Array | null,
    limit: ScanLimit,
  ): Promise<Row[]> {
    this.#mustBeOpen();
    return await this.#backend.scan(table, from, to, limit);
  }

  /** See {@linkcode Store.get}. */
  async get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    this.#mustBeOpen();
    return await this.#backend.get(table, keys);
  }

  /** See {@linkcode Store.size}. */
  async size(): Promise<StoreSize> {
    this.#mustBeOpen();
    return await this.#backend.size();
  }

  /** See {@linkcode Store.repair}. */
  async repair(): Promise<void> {
    this.#mustBeOpen();
    await this.#commit;
    try {
      const damage = await this.#repairBackend();
      this.#damage = damage ?? this.#damage;
    } catch (error) {
      // Nothing is open any more, so there is nothing to close but the thread.
      if (this.#backend instanceof SqliteThread) this.#backend.end();
      this.#closed = Promise.resolve();
      throw error;
    }
  }

  async #repairBackend(): Promise<Damage | null> {
    if (this.#backend instanceof SqliteThread) return await this.#backend.repair();
    this.#backend = this.#backend.repair();
    return this.#backend.damage;
  }

  /** Waits for the commit under way and lets go of everything. Closing again does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes the store. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#commit;
    await this.#backend.close();
  }

  #mustBeOpen(): void {
    if (this.#closed !== null) throw new StoreError("Cannot use the store: it is closed");
  }
}
