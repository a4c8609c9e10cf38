/** The rows of dynamic security in the store of a broker. */
import type { AccountRow, AccountStore } from "../../auth/dynsec/rows.ts";
import { accountPages, writeRows } from "../../auth/dynsec/store_rows.ts";
import type { Batch } from "../../store/batch.ts";
import { type Row, type Store, StoreError } from "../../store/store.ts";
import type { Commit, CommitListener } from "../base/commit.ts";
import type { RowOwner } from "../base/row_owner.ts";

/** The journal, as these rows need it. */
export interface AccountJournal {
  /** The commit that will contain the current changes. */
  readonly gathering: Commit;
  onRowsChanged(owner: RowOwner): void;
}

/** The rows of dynamic security in the store of a broker, written in the commits of its journal. */
export class AccountRows implements AccountStore {
  readonly #store: Store;
  readonly #journal: AccountJournal;

  constructor(store: Store, journal: AccountJournal) {
    this.#store = store;
    this.#journal = journal;
  }

  /** Every row, a page at a time. */
  rows(): AsyncGenerator<readonly Row[], void, void> {
    return accountPages(this.#store);
  }

  /**
   * Reads every row, so that damage is found when the broker starts.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  async check(): Promise<void> {
    for await (const _ of this.rows());
  }

  /** Writes rows with the next commit. They are not retried if it fails. */
  commit(rows: readonly AccountRow[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const owner = new RowsOfChange(rows);
    const listener: CommitListener = {
      onCommitted: () => resolve(),
      onCommitFailed: ({ error }) => {
        owner.giveUp();
        reject(error ?? new StoreError("Cannot store accounts"));
      },
    };
    this.#journal.gathering.tell(listener);
    this.#journal.onRowsChanged(owner);
    return promise;
  }

  /** Does nothing: the store belongs to the broker. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * The rows of one change. A failed change must not be part of a later commit, because it was
 * undone.
 */
class RowsOfChange implements RowOwner {
  readonly isRemoved = false;
  #rows: readonly AccountRow[];

  constructor(rows: readonly AccountRow[]) {
    this.#rows = rows;
  }

  giveUp(): void {
    this.#rows = [];
  }

  write(batch: Batch): void {
    writeRows(batch, this.#rows);
  }

  onWriteFailed(): void {
    // The listener of the commit handles the failure.
  }
}
