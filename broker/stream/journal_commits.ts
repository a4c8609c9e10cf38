/** Stores the changes of streams with the commits of the broker's journal. */
import type { Batch } from "../../store/batch.ts";
import type { StreamCommits, StreamLog } from "../../stream/stream_log.ts";
import type { Commit, CommitListener } from "../base/commit.ts";
import type { RowOwner } from "../base/row_owner.ts";

/** The journal, as streams need it. */
export interface StreamJournal {
  readonly gathering: Commit;
  /** The rows of a stream must be written with the next commit. */
  onRowsChanged(owner: RowOwner): void;
}

/** Stores the streams of a broker in the commits that acknowledgements wait for. */
export class JournalCommits implements StreamCommits {
  readonly #journal: StreamJournal;
  readonly #rows = new WeakMap<StreamLog, LogRows>();

  constructor(journal: StreamJournal) {
    this.#journal = journal;
  }

  markChanged(log: StreamLog): void {
    let rows = this.#rows.get(log);
    if (rows === undefined) this.#rows.set(log, rows = new LogRows(this.#journal, log));
    rows.markChanged();
  }
}

/** The rows of one stream. */
class LogRows implements RowOwner, CommitListener {
  readonly #journal: StreamJournal;
  readonly #log: StreamLog;
  readonly #removals: RowOwner;
  /** The commit that contains the rows. */
  #commit: Commit | null = null;

  constructor(journal: StreamJournal, log: StreamLog) {
    this.#journal = journal;
    this.#log = log;
    this.#removals = {
      isRemoved: true,
      write: (batch) => log.writeRemovals(batch),
      onWriteFailed: () => {},
    };
  }

  get isRemoved(): boolean {
    return this.#log.isRemoved;
  }

  markChanged(): void {
    const { gathering } = this.#journal;
    if (this.#log.hasRemovals) this.#journal.onRowsChanged(this.#removals);
    if (this.#commit === gathering) return;
    this.#commit = gathering;
    gathering.tell(this);
    this.#journal.onRowsChanged(this);
  }

  write(batch: Batch): void {
    this.#log.write(batch);
  }

  onWriteFailed(): void {
    this.#log.onWriteFailed();
  }

  onCommitted(): void {
    this.#log.onCommitted();
  }

  onCommitFailed(): void {
    // Failed changes are part of the next commit.
    this.#commit = null;
    this.markChanged();
  }
}
