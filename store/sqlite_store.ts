/** The store in an SQLite database, as a program uses it. */
import type { Batch } from "./batch.ts";
import { SqliteDirectory } from "./sqlite_directory.ts";
import { SqliteThread } from "./sqlite_thread.ts";
import { type Damage, type Row, type ScanLimit, type Store, StoreError } from "./store.ts";
import type { StoreSize, Table } from "./store.ts";

/** How a {@linkcode SqliteStore} is opened. */
export interface SqliteStoreOptions {
  /**
   * Whether a damaged file is refused; false by default, which sets the file aside and recovers
   * what is whole. With `strict`, every row is checked when the store is opened.
   */
  readonly strict?: boolean;
  /**
   * The thread that waits for the disk: a `"worker"`, or `"main"`, the thread of the caller. A
   * commit blocks its thread until the disk has finished, so the default is a worker. If the code
   * is in local files that `--allow-read` does not cover, Deno cannot start a worker, and the
   * default is `"main"`.
   */
  readonly thread?: "worker" | "main";
}

/**
 * A store in its own directory, in an SQLite database. It needs the permissions `--allow-read` and
 * `--allow-write` for the directory. There is nothing to install.
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
  /** The thread that waits for the disk. */
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
   * Opens the store in a directory, and makes the directory if it does not exist.
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
      // No file is open any more, so only the thread must end.
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

  /** Waits for the commit in progress, and releases everything. Closing again does nothing. */
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
