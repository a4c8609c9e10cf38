/** Goes through the rows of a store that move to other stores. */
import { type Store, StoreError, type Table } from "../../../store/store.ts";
import { tablePages } from "./table_pages.ts";

/**
 * Calls `take` for each row of a table.
 *
 * @param afterPage Called after each page of rows, so that what was written is committed.
 * @throws {StoreError} If the store cannot be read, or `take` finds that a row makes no sense: then
 * the error says in which table.
 */
export async function eachRow(
  store: Store,
  table: Table,
  take: (key: Uint8Array, value: Uint8Array) => void | Promise<void>,
  afterPage?: () => Promise<void>,
): Promise<void> {
  for await (const rows of tablePages(store, table)) {
    for (const { key, value } of rows) {
      try {
        const wait = take(key, value);
        if (wait !== undefined) await wait;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw new StoreError(`A row of the table "${table}" makes no sense: ${error.message}`, {
          cause: error,
        });
      }
    }
    await afterPage?.();
  }
}
