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

/** Rows and bytes that are held at once while all rows are read. */
const READ_ALL_LIMIT: ScanLimit = { rows: SCAN_ROWS, bytes: 1024 * 1024 };

/** The prepared statements of a table. */
interface TableStatements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly removeRange: StatementSync;
  readonly lengths: StatementSync;
  readonly lengthsToEnd: StatementSync;
  readonly scan: StatementSync;
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
      const lengths = this.#lengths(table, start, to, asked);
      const fitting = countFitting(lengths, bytes, rows.length === 0);
      for (const row of this.#read(table, start, fitting)) {
        rows.push(row);
        bytes -= row.key.length + row.value.length;
      }
      if (fitting < SCAN_ROWS || rows.length >= limit.rows) return rows;
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

  /** The lengths of the next rows. They are read first, because a value may be very long. */
  #lengths(table: Table, from: Uint8Array, to: Uint8Array | null, count: number): number[] {
    const { lengths, lengthsToEnd } = this.#tables.get(table)!;
    // Not `iterate()`, which silently treats an unreadable page as the end.
    const found = to === null ? lengthsToEnd.all(from, count) : lengths.all(from, to, count);
    return found.map(({ bytes }) => bytes as number);
  }

  #read(table: Table, from: Uint8Array, count: number): Row[] {
    if (count === 0) return [];
    const found = this.#tables.get(table)!.scan.all(from, count) as unknown as StoredRow[];
    return found.map((row) => {
      if (!isWhole(table, row)) throw damaged(this.#path, table);
      return { key: row.key, value: row.value };
    });
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
  const lengths = `SELECT length(key) + length(value) AS bytes FROM ${table}`;
  return {
    get: db.prepare(`SELECT key, sum, value FROM ${table} WHERE key = ?`),
    put: db.prepare(
      `INSERT INTO ${table} (key, sum, value) VALUES (?, ?, ?) ` +
        "ON CONFLICT (key) DO UPDATE SET sum = excluded.sum, value = excluded.value",
    ),
    remove: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
    removeRange: db.prepare(`DELETE FROM ${table} WHERE key >= ? AND key < ?`),
    lengths: db.prepare(`${lengths} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`),
    lengthsToEnd: db.prepare(`${lengths} WHERE key >= ? ORDER BY key LIMIT ?`),
    scan: db.prepare(`SELECT key, sum, value FROM ${table} WHERE key >= ? ORDER BY key LIMIT ?`),
  };
}

function damaged(path: string, table: Table): StoreError {
  return new StoreDamagedError(`Cannot read ${path}: a row of ${table} is damaged`);
}

/** How many rows of these lengths fit. The first row of a scan always fits. */
function countFitting(lengths: readonly number[], bytes: number, isFirst: boolean): number {
  let sum = 0;
  for (const [at, length] of lengths.entries()) {
    sum += length;
    if (sum > bytes && !(isFirst && at === 0)) return at;
  }
  return lengths.length;
}

/** The lowest key above a key. */
function following(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
