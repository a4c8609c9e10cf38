import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch, Change } from "./batch.ts";
import { isWhole, rowSum, type StoredRow } from "./row_sum.ts";
import { toStoreError } from "./sqlite_errors.ts";
import {
  type Row,
  type ScanLimit,
  StoreDamagedError,
  type StoreError,
  type StoreSize,
  type Table,
  TABLES,
} from "./store.ts";

/** What is done to a table, prepared. */
interface TableStatements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly removeRange: StatementSync;
  readonly scan: StatementSync;
  readonly scanToEnd: StatementSync;
}

/** The rows of one open database: all that is done to it in SQL, without waiting. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #tables: ReadonlyMap<Table, TableStatements>;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @param path Of the database, for errors to name. */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#tables = new Map(TABLES.map((table) => [table, prepare(db, table)]));
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /**
   * Commits the changes of a batch, and has them on the disk when it returns.
   *
   * @throws {StoreError} If it cannot; nothing has changed.
   */
  commit(batch: Batch): void {
    try {
      this.#begin.run();
      for (const change of batch) this.#apply(change);
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      throw toStoreError(`Cannot write ${this.#path}`, error);
    }
  }

  /** See `Store.scan`. */
  scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Row[] {
    try {
      return this.#scan(table, from, to, limit);
    } catch (error) {
      throw toStoreError(`Cannot read ${this.#path}`, error);
    }
  }

  /** See `Store.get`. */
  get(table: Table, keys: readonly Uint8Array[]): (Uint8Array | null)[] {
    try {
      return keys.map((key) => this.#get(table, key));
    } catch (error) {
      throw toStoreError(`Cannot read ${this.#path}`, error);
    }
  }

  /** Reads every row, and tells in a few words of one that is damaged; `null` if none is. */
  findDamagedRow(): string | null {
    for (const [table, { scanToEnd }] of this.#tables) {
      for (const columns of scanToEnd.iterate(new Uint8Array())) {
        if (!isWhole(table, columns as unknown as StoredRow)) {
          return `a row of ${table} is damaged`;
        }
      }
    }
    return null;
  }

  /** How many rows there are, in all tables. */
  countRows(): number {
    const counts = TABLES.map((table) => this.#db.prepare(`SELECT count(*) AS n FROM ${table}`));
    return counts.reduce((sum, count) => sum + (count.get()!["n"] as number), 0);
  }

  /** Bytes of the database's pages, and of those that are free. */
  size(): StoreSize {
    const pageBytes = this.#number("page_size");
    return {
      bytes: this.#number("page_count") * pageBytes,
      freeBytes: this.#number("freelist_count") * pageBytes,
    };
  }

  /** Closes the database; what is in its write-ahead log goes into the file, if it can. */
  close(): void {
    this.#db.close();
  }

  #apply(change: Change): void {
    const statements = this.#tables.get(change.table)!;
    if (change.kind === "put") {
      const { table, key, value } = change;
      statements.put.run(key, rowSum(table, key, value), value);
    } else if (change.kind === "remove") statements.remove.run(change.key);
    else statements.removeRange.run(change.from, change.to);
  }

  #rollBack(): void {
    try {
      // After some failures SQLite has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (error) {
      throw toStoreError(`Cannot undo a failed write to ${this.#path}`, error);
    }
  }

  #scan(table: Table, from: Uint8Array, to: Uint8Array | null, limit: ScanLimit): Row[] {
    const { scan, scanToEnd } = this.#tables.get(table)!;
    const found = to === null ? scanToEnd.iterate(from) : scan.iterate(from, to);
    const rows: Row[] = [];
    let bytes = 0;
    for (const columns of found) {
      const row = columns as unknown as StoredRow;
      if (!isWhole(table, row)) throw damaged(this.#path, table);
      const { key, value } = row;
      bytes += key.length + value.length;
      if (bytes > limit.bytes && rows.length > 0) break;
      rows.push({ key, value });
      if (rows.length >= limit.rows) break;
    }
    return rows;
  }

  #get(table: Table, key: Uint8Array): Uint8Array | null {
    const row = this.#tables.get(table)!.get.get(key) as unknown as StoredRow | undefined;
    if (row === undefined) return null;
    if (!isWhole(table, row)) throw damaged(this.#path, table);
    return row.value;
  }

  #number(pragma: string): number {
    return this.#db.prepare(`PRAGMA ${pragma}`).get()![pragma] as number;
  }
}

function prepare(db: DatabaseSync, table: Table): TableStatements {
  const rows = `SELECT key, sum, value FROM ${table}`;
  return {
    get: db.prepare(`SELECT key, sum, value FROM ${table} WHERE key = ?`),
    put: db.prepare(
      `INSERT INTO ${table} (key, sum, value) VALUES (?, ?, ?) ` +
        "ON CONFLICT (key) DO UPDATE SET sum = excluded.sum, value = excluded.value",
    ),
    remove: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
    removeRange: db.prepare(`DELETE FROM ${table} WHERE key >= ? AND key < ?`),
    scan: db.prepare(`${rows} WHERE key >= ? AND key < ? ORDER BY key`),
    scanToEnd: db.prepare(`${rows} WHERE key >= ? ORDER BY key`),
  };
}

function damaged(path: string, table: Table): StoreError {
  return new StoreDamagedError(`Cannot read ${path}: a row of ${table} is damaged`);
}
