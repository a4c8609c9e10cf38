/**
 * A bridge to a database: a broker keeps what is published in a stream, and the stream is written to
 * a database, each message exactly once. The rows of a batch and the progress are in one
 * transaction. This is SQLite; with another database only the words differ.
 *
 *     deno run --allow-net --allow-read --allow-write examples/database_sink.ts readings.db
 *     mosquitto_pub -t sensors/kitchen -m 21.5 -q 1
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { Broker } from "@fairway/mqtt";
import { SqliteStore } from "@fairway/mqtt/store";
import type { StreamMessage } from "@fairway/mqtt/stream";
import { feed, type Sink } from "./sink.ts";

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

/**
 * Keeps what is published to `sensors/#` for a day, and writes it to the sink until the signal
 * aborts. A database that is down for less than a day loses nothing.
 */
export async function bridge(broker: Broker, sink: Sink, signal: AbortSignal): Promise<void> {
  const options = { name: "readings", filters: ["sensors/#"], maxAgeMs: 24 * 3_600_000 };
  const stream = await broker.declareStream({ ...options, maxBytes: 1 << 30 });
  // deno-lint-ignore no-console
  await feed(stream, sink, { signal, failed: (error) => console.error(`${error}`) });
}

if (import.meta.main) {
  const [file = "readings.db"] = Deno.args;
  const ending = new AbortController();
  Deno.addSignalListener("SIGINT", () => ending.abort());
  using sink = new DatabaseSink(file);
  await using broker = await Broker.open(await SqliteStore.open("fairway-data"));
  await broker.listen({ hostname: "127.0.0.1" });
  await bridge(broker, sink, ending.signal);
}
