/** The rows of dynamic security in a store. */
import { Batch } from "../../store/batch.ts";
import type { Row, Store } from "../../store/store.ts";
import type { AccountRow, AccountStore } from "./rows.ts";

/** The size of one read. */
const PAGE = { rows: 1024, bytes: 1024 * 1024 };
const FIRST_KEY = new Uint8Array();

/**
 * Every row, a page at a time.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function* accountPages(store: Store): AsyncGenerator<readonly Row[], void, void> {
  for (let from = FIRST_KEY;;) {
    const rows = await store.scan("accounts", from, null, PAGE);
    if (rows.length === 0) return;
    yield rows;
    const last = rows.at(-1)!.key;
    from = new Uint8Array(last.length + 1);
    from.set(last);
  }
}

/** Adds rows to a batch. */
export function writeRows(batch: Batch, rows: readonly AccountRow[]): void {
  for (const { key, value } of rows) {
    if (value === null) batch.remove("accounts", key);
    else batch.put("accounts", key, value);
  }
}

/** A store with only the rows of dynamic security. */
export class OwnAccountStore implements AccountStore {
  readonly #store: Store;

  /** @param store It is closed with this one. */
  constructor(store: Store) {
    this.#store = store;
  }

  rows(): AsyncGenerator<readonly Row[], void, void> {
    return accountPages(this.#store);
  }

  commit(rows: readonly AccountRow[]): Promise<void> {
    const batch = new Batch();
    writeRows(batch, rows);
    return this.#store.commit(batch);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
