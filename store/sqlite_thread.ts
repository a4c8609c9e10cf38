/** A store directory that is open in a worker. */
import { type Batch, reuse } from "./batch.ts";
import { pack, unpack } from "./packed.ts";
import { type Damage, type Row, type ScanLimit, StoreError } from "./store.ts";
import type { StoreSize, Table } from "./store.ts";
import { type Answer, type AnswerValue, fromFailure, type Request } from "./worker_messages.ts";

/** The script of the worker. */
const SCRIPT = new URL("./sqlite_worker.ts", import.meta.url);

/** A store directory in a worker. The caller must wait for a commit before it closes. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<AnswerValue>[] = [];
  #death: StoreError | null = null;

  private constructor(script: URL) {
    this.#worker = new Worker(script, {
      type: "module",
      name: "store",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#settle(data);
    this.#worker.onmessageerror = () => this.#fail("it sent what cannot be read");
    this.#worker.onerror = (event) => {
      // The waiting callers receive the error. Without this, it would end the process.
      event.preventDefault();
      this.#fail(event.message);
    };
  }

  /** Whether this program may load the script of the worker. */
  static mayStart(): boolean {
    // From the web, a program may load what it may import. For local files, it also needs
    // `--allow-read`.
    if (SCRIPT.protocol !== "file:") return true;
    const room = { name: "read", path: new URL("./", SCRIPT) } as const;
    return Deno.permissions.querySync(room).state === "granted";
  }

  /**
   * Starts a worker that opens the directory.
   *
   * @param script The script. A test may use another one.
   */
  static async open(
    directory: string,
    strict: boolean,
    script: URL = SCRIPT,
  ): Promise<{ thread: SqliteThread; damage: Damage | null }> {
    const thread = new SqliteThread(script);
    try {
      const damage = await thread.#ask({ kind: "open", directory, strict }) as Damage | null;
      return { thread, damage };
    } catch (error) {
      thread.#worker.terminate();
      throw error;
    }
  }

  /** See `Store.commit`. */
  async commit(batch: Batch): Promise<void> {
    const changes = batch.bytes;
    const committed = await this.#ask({ kind: "commit", changes }, [changes.buffer]);
    if (committed instanceof Uint8Array) reuse(committed);
  }

  /** See `Store.scan`. */
  async scan(
    table: Table,
    from: Uint8Array,
    to: Uint8Array | null,
    limit: ScanLimit,
  ): Promise<Row[]> {
    const range = pack([from, to]);
    const { rows, bytes } = limit;
    const packed = await this.#ask({ kind: "scan", table, range, limit: { rows, bytes } });
    const pieces = unpack(packed as Uint8Array<ArrayBuffer>) as Uint8Array[];
    return Array.from(
      { length: pieces.length / 2 },
      (_, at) => ({ key: pieces[2 * at]!, value: pieces[2 * at + 1]! }),
    );
  }

  /** See `Store.get`. */
  async get(table: Table, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    const values = await this.#ask({ kind: "get", table, keys: pack(keys) });
    return Array.isArray(values) ? values : unpack(values as Uint8Array<ArrayBuffer>);
  }

  /** See `Store.size`. */
  async size(): Promise<StoreSize> {
    return await this.#ask({ kind: "size" }) as StoreSize;
  }

  /** See `Store.repair`. Returns the damage. */
  async repair(): Promise<Damage | null> {
    return await this.#ask({ kind: "repair" }) as Damage | null;
  }

  /** Ends a worker that has no open files. */
  end(): void {
    this.#worker.terminate();
  }

  /** Closes the directory, and ends the worker. */
  async close(): Promise<void> {
    try {
      // A worker that has died has no open files.
      if (this.#death === null) await this.#ask({ kind: "close" });
    } finally {
      this.#worker.terminate();
    }
  }

  #ask(request: Request, transfer: ArrayBuffer[] = []): Promise<AnswerValue> {
    if (this.#death !== null) return Promise.reject(this.#death);
    const asked = Promise.withResolvers<AnswerValue>();
    this.#asked.push(asked);
    this.#worker.postMessage(request, transfer);
    return asked.promise;
  }

  #settle(answer: Answer): void {
    const asked = this.#asked.shift()!;
    if (answer.ok) asked.resolve(answer.value);
    else asked.reject(fromFailure(answer));
  }

  #fail(reason: string): void {
    this.#death ??= new StoreError(`Cannot use the store: its thread has ended: ${reason}`);
    this.#worker.terminate();
    for (const asked of this.#asked.splice(0)) asked.reject(this.#death);
  }
}
