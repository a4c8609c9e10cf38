import { PacketError } from "../../codec/mod.ts";
import { numberOfKey } from "../../store/record.ts";
import { type Row, type Store, StoreError, type Table } from "../../store/store.ts";

/** How much is read of a table at once. */
const PAGE = { rows: 4096, bytes: 1024 * 1024 };
const FIRST_KEY = new Uint8Array();
/** No broker lives long enough to get here. */
const ID_MAX = 2 ** 52;

/**
 * The rows that a store was left with. Where a file was damaged some are
 * missing, and others have lost what they belong to: those are told apart here,
 * so that they neither keep the broker from starting nor stay for ever.
 */
export class StoredRows {
  /** Rows that are of no use to anybody. */
  readonly useless: (readonly [Table, Uint8Array])[] = [];
  /** How many of them make no sense at all. */
  unreadable = 0;
  /** The largest identifier that is in use. */
  idMost = 0;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Has every row of a table taken.
   *
   * @param take Says whether the row is of use; whatever it has to change it
   * changes after having read the whole row.
   * @throws {StoreError} If the store cannot be read.
   */
  async each(table: Table, take: (key: Uint8Array, value: Uint8Array) => boolean): Promise<void> {
    for await (const rows of this.#pages(table)) {
      for (const { key, value } of rows) {
        if (!this.#isUseful(() => take(key, value))) this.useless.push([table, key]);
      }
    }
  }

  /** The identifier at a place of a key, of which there may be more than the store knows of. */
  idOf(key: Uint8Array, place = 0): number {
    return this.inUse(numberOfKey(key, place));
  }

  /** Takes note of an identifier. */
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

  /** The rows of a table, a page of them at a time. */
  async *#pages(table: Table): AsyncGenerator<readonly Row[], void, void> {
    for (let from = FIRST_KEY;;) {
      const rows = await this.#store.scan(table, from, null, PAGE);
      if (rows.length === 0) return;
      yield rows;
      const last = rows.at(-1)!.key;
      from = new Uint8Array(last.length + 1);
      from.set(last);
    }
  }
}
