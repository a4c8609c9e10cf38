/** The rows of a store when it is opened, and those among them that are invalid or without use. */
import { PacketError } from "../../codec/mod.ts";
import { numberOfKey } from "../../store/record.ts";
import { type Row, type Store, StoreError, type Table } from "../../store/store.ts";

/**
 * The size of one read of a table. Rows of larger reads would live for so long that V8 moves them to
 * where it collects garbage seldom: with 256 rows a large start took 30 to 45 MB more, with 4,096
 * another 100.
 */
const PAGE = { rows: 64, bytes: 64 * 1024 };
const FIRST_KEY = new Uint8Array();
/** More than a broker can ever allocate. */
const ID_MAX = 2 ** 52;

/**
 * The rows of a store when it is opened. In a damaged file some rows are missing, and others have
 * lost the rows that they belong to. These are detected here, so that they neither prevent the
 * start nor stay for ever.
 */
export class StoredRows {
  /** Rows without use. */
  readonly useless: (readonly [Table, Uint8Array])[] = [];
  /** The number of invalid rows. */
  unreadable = 0;
  /** The largest identifier in use. */
  idMost = 0;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Calls `take` for every row of a table.
   *
   * @param take Returns whether the row is useful. It must read the whole row before it changes
   * anything.
   * @throws {StoreError} If the store cannot be read.
   */
  async each(table: Table, take: (key: Uint8Array, value: Uint8Array) => boolean): Promise<void> {
    for await (const rows of this.#pages(table)) {
      for (const { key, value } of rows) {
        if (!this.#isUseful(() => take(key, value))) this.useless.push([table, key]);
      }
    }
  }

  /** The identifier in a key. It may be larger than the reserved ones. */
  idOf(key: Uint8Array, place = 0): number {
    return this.inUse(numberOfKey(key, place));
  }

  /** Records an identifier in use. */
  inUse(id: number): number {
    if (id > ID_MAX) throw new StoreError(`Cannot use identifier ${id}: it is too large`);
    if (id > this.idMost) this.idMost = id;
    return id;
  }

  #isUseful(take: () => boolean): boolean {
    try {
      return take();
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof PacketError)) throw error;
      this.unreadable++;
      return false;
    }
  }

  /** The rows of a table, one page at a time. */
  async *#pages(table: Table): AsyncGenerator<readonly Row[], void, void> {
    let next = this.#store.scan(table, FIRST_KEY, null, PAGE);
    for (;;) {
      const rows = await next;
      if (rows.length === 0) return;
      const last = rows.at(-1)!.key;
      const from = new Uint8Array(last.length + 1);
      from.set(last);
      // The store reads the next page while this one is handled.
      next = this.#store.scan(table, from, null, PAGE);
      // If handling this one fails, nobody waits for it.
      next.catch(() => {});
      yield rows;
    }
  }
}
