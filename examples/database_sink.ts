/**
 * A sink that writes to a database, each message exactly once: the rows of a batch and the progress
 * are in one transaction. This is SQLite; with another database only the words differ.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { StreamMessage } from "@fairway/mqtt/stream";
import type { Sink } from "./sink.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS readings (seq INTEGER PRIMARY KEY, time INTEGER, topic TEXT, value TEXT);
  CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER);
`;

/** Writes messages to the table `readings` of a database file. */
export class DatabaseSink implements Sink, Disposable {
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(TABLES);
  }

  // deno-lint-ignore require-await
  async progress(): Promise<number> {
    const row = this.#database.prepare("SELECT seq FROM progress").get();
    return Number(row?.seq ?? 0);
  }

  // deno-lint-ignore require-await
  async take(batch: readonly StreamMessage[]): Promise<void> {
    const database = this.#database;
    database.exec("BEGIN");
    try {
      const insert = database.prepare("INSERT INTO readings VALUES (?, ?, ?, ?)");
      for (const { seq, timeMs, topic, payload } of batch) {
        insert.run(seq, timeMs, topic, new TextDecoder().decode(payload));
      }
      database.prepare("INSERT OR REPLACE INTO progress VALUES (1, ?)").run(batch.at(-1)!.seq);
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
