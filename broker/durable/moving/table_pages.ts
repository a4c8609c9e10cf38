/** The rows of a table, read from its start to its end, a page at a time. */
import type { Row, Store, Table } from "../../../store/store.ts";

/** The size of one read. No row is kept. */
const PAGE = { rows: 256, bytes: 64 * 1024 };
const FIRST_KEY = new Uint8Array();

/**
 * The rows of a table, one page at a time. Rows that change meanwhile are there as they were or as
 * they are.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function* tablePages(
  store: Store,
  table: Table,
): AsyncGenerator<readonly Row[], void, void> {
  let next = store.scan(table, FIRST_KEY, null, PAGE);
  for (;;) {
    const rows = await next;
    if (rows.length === 0) return;
    const last = rows.at(-1)!.key;
    const from = new Uint8Array(last.length + 1);
    from.set(last);
    // The store reads the next page while this one is handled.
    next = store.scan(table, from, null, PAGE);
    // If handling this one fails, nobody waits for it.
    next.catch(() => {});
    yield rows;
  }
}
