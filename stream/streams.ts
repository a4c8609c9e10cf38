/** The streams of a store, without a broker. */
import type { Store } from "../store/store.ts";
import { CACHE_BYTES, ChunkCache } from "./chunk_cache.ts";
import type { Retention } from "./retention.ts";
import { StoreCommits } from "./store_commits.ts";
import { AHEAD_BYTES, STREAM_TOPICS_MAX } from "./surroundings.ts";
import { Stream, type StreamKeeper } from "./stream.ts";
import { StreamTable } from "./stream_table.ts";

/** Settings of {@linkcode Streams}. */
export interface StreamsOptions {
  /** The time of the wall clock, in milliseconds since 1970; the machine's by default. */
  readonly now?: () => number;
  /** The limit of the messages that are cached in memory, in bytes; 16 MiB by default. */
  readonly cacheBytesMax?: number;
  /**
   * The limit of the topics of a stream with a limit by topic; 100,000 by default. Beyond it the
   * oldest messages are dropped.
   */
  readonly topicsMax?: number;
  /** Called with errors that no caller waits for. Without it they are ignored. */
  readonly failed?: (error: unknown) => void;
}

/**
 * The streams of a store, without a broker.
 *
 * @example Append, and read from the start
 * ```ts
 * import { MemoryStore } from "@fairway/mqtt/store";
 * import { Streams } from "@fairway/mqtt/stream";
 * import { assertEquals } from "@std/assert";
 *
 * await using streams = await Streams.open(new MemoryStore());
 * const day = await streams.declare("day", { maxAgeMs: 86_400_000 });
 * await day.append("sensors/kitchen", "21.5");
 * await day.append("sensors/kitchen", "21.7");
 * const texts: string[] = [];
 * for await (const { seq, payload } of day.read({ after: 0, isFinite: true })) {
 *   texts.push(`${seq} ${new TextDecoder().decode(payload)}`);
 * }
 * assertEquals(texts, ["1 21.5", "2 21.7"]);
 * ```
 */
export class Streams implements AsyncDisposable {
  readonly #store: Store;
  readonly #commits: StoreCommits;
  readonly #keeper: StreamKeeper;
  readonly #table: StreamTable;

  private constructor(
    store: Store,
    commits: StoreCommits,
    keeper: StreamKeeper,
    table: StreamTable,
  ) {
    this.#store = store;
    this.#commits = commits;
    this.#keeper = keeper;
    this.#table = table;
  }

  /**
   * Opens the streams of a store. The store must not belong to a broker. `close()` closes it too.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  static async open(store: Store, options: StreamsOptions = {}): Promise<Streams> {
    const { now = Date.now, cacheBytesMax = CACHE_BYTES, failed = () => {} } = options;
    const { topicsMax = STREAM_TOPICS_MAX } = options;
    const commits = new StoreCommits(store);
    const cache = new ChunkCache(store, () => cacheBytesMax);
    const host = {
      ...{ store, commits, cache, now, reportError: failed, references: null },
      pause: () => new Promise<void>((resolve) => setTimeout(resolve)),
      topicsMax: () => topicsMax,
      aheadBytesMax: () => AHEAD_BYTES,
    };
    const table = await StreamTable.open(host);
    const keeper = {
      now,
      pause: host.pause,
      whenStored: (input: { isRevoked: boolean }) => commits.whenStored(input),
    };
    return new Streams(store, commits, keeper, table);
  }

  /** The names of streams of the store that were not declared since it was opened. */
  get undeclared(): readonly string[] {
    return this.#table.undeclared.map(({ name }) => name);
  }

  /**
   * Declares a stream. It continues from its state in the store, or begins.
   *
   * @param name 1 to 64 characters of A-Z a-z 0-9 _ . -
   * @param retention The limits of the stream; at least one.
   * @throws {RangeError} If the name or a limit is out of range.
   */
  async declare(name: string, retention: Retention): Promise<Stream> {
    const log = this.#table.declare(name, "", retention);
    await log.ready();
    return new Stream(log, this.#keeper);
  }

  /** Removes a stream with all its messages. Returns whether there was one. */
  remove(name: string): boolean {
    return this.#table.remove(name);
  }

  /** Waits for the current commit, and closes the store. */
  async close(): Promise<void> {
    await Promise.all(this.#table.logs.map((log) => log.end()));
    await this.#commits.close();
    await this.#store.close();
  }

  /** As {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
