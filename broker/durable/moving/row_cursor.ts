/** Reads the rows of a table one after the other, side by side with those of other stores. */
import type { Row, Store, Table } from "../../../store/store.ts";
import { tablePages } from "./table_pages.ts";

/** A position in a table of a store. */
export class RowCursor {
  /** The row at the position; `null` at the end. */
  row: Row | null = null;
  readonly #pages: AsyncGenerator<readonly Row[], void, void>;
  #page: readonly Row[] = [];
  #at = 0;

  private constructor(store: Store, table: Table) {
    this.#pages = tablePages(store, table);
  }

  /**
   * Opens a cursor at the first row.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  static async open(store: Store, table: Table): Promise<RowCursor> {
    const cursor = new RowCursor(store, table);
    await cursor.next();
    return cursor;
  }

  /**
   * Goes to the next row.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  async next(): Promise<void> {
    if (this.#at === this.#page.length) {
      const { value } = await this.#pages.next();
      this.#page = value ?? [];
      this.#at = 0;
    }
    this.row = this.#page[this.#at++] ?? null;
  }
}
