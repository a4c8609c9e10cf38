/** The rows of an SQLite database: reads, scans and commits. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Batch, Change } from "./batch.ts";
import { compareKeys } from "./keys.ts";
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

/** Rows that one query reads. */
const SCAN_ROWS = 256;

/** A value that is not longer is read with its row, another one alone. */
const SHORT_BYTES = 4096;

/** Rows and bytes that are held at once while all rows are read. */
const READ_ALL_LIMIT: ScanLimit = { rows: SCAN_ROWS, bytes: 1024 * 1024 };

/** A row as a scan finds it. */
interface FoundRow extends StoredRow {
  /** Bytes of its key and its value. */
  readonly bytes: number;
}

/** The prepared statements of a table. */
interface TableStatements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly removeRange: StatementSync;
  readonly scan: StatementSync;
  readonly scanToEnd: StatementSync;
}

/** The rows of one open database. Every method runs SQL synchronously. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #tables: ReadonlyMap<Table, TableStatements>;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /** @param path The path of the database, for messages. */
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

  /** Reads every row. Returns a line about the first damaged one; `null` if there is none. */
  findDamagedRow(): string | null {
    try {
      for (const table of TABLES) this.#readAll(table);
      return null;
    } catch (error) {
      return toStoreError(`Cannot read ${this.#path}`, error).message;
    }
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

  /** Closes the database. SQLite copies the log into the file, if it can. */
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
    const rows: Row[] = [];
    let { bytes } = limit;
    for (let start = from;;) {
      const asked = Math.min(SCAN_ROWS, Math.max(1, limit.rows - rows.length));
      const found = this.#find(table, start, to, asked);
      for (const row of found) {
        bytes -= row.bytes;
        if (bytes < 0 && rows.length > 0) return rows;
        rows.push(this.#whole(table, row));
      }
      if (found.length < asked || rows.length >= limit.rows) return rows;
      const next = following(rows.at(-1)!.key);
      // A damaged index may lead in circles.
      if (compareKeys(next, start) <= 0) throw damaged(this.#path, table);
      start = next;
    }
  }

  #readAll(table: Table): void {
    for (let from = new Uint8Array();;) {
      const last = this.#scan(table, from, null, READ_ALL_LIMIT).at(-1);
      if (last === undefined) return;
      from = following(last.key);
    }
  }

  /** The next rows, long values excepted: one may be as long as all others together. */
  #find(table: Table, from: Uint8Array, to: Uint8Array | null, count: number): FoundRow[] {
    const { scan, scanToEnd } = this.#tables.get(table)!;
    // Not `iterate()`, which silently treats an unreadable page as the end.
    const found = to === null ? scanToEnd.all(from, count) : scan.all(from, to, count);
    return found as unknown as FoundRow[];
  }

  /** A row with its value, also a long one. */
  #whole(table: Table, row: FoundRow): Row {
    if (row.value === null && row.key instanceof Uint8Array) {
      const value = this.#get(table, row.key);
      if (value !== null) return { key: row.key, value };
    }
    if (!isWhole(table, row)) throw damaged(this.#path, table);
    return { key: row.key, value: row.value };
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
  const rows = `SELECT key, sum, length(key) + length(value) AS bytes, ` +
    `CASE WHEN length(value) <= ${SHORT_BYTES} THEN value END AS value FROM ${table}`;
  return {
    get: db.prepare(`SELECT key, sum, value FROM ${table} WHERE key = ?`),
    put: db.prepare(
      `INSERT INTO ${table} (key, sum, value) VALUES (?, ?, ?) ` +
        "ON CONFLICT (key) DO UPDATE SET sum = excluded.sum, value = excluded.value",
    ),
    remove: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
    removeRange: db.prepare(`DELETE FROM ${table} WHERE key >= ? AND key < ?`),
    scan: db.prepare(`${rows} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`),
    scanToEnd: db.prepare(`${rows} WHERE key >= ? ORDER BY key LIMIT ?`),
  };
}

function damaged(path: string, table: Table): StoreError {
  return new StoreDamagedError(`Cannot read ${path}: a row of ${table} is damaged`);
}

/** The lowest key above a key. */
function following(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
