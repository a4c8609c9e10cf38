import type { Batch } from "../../store/batch.ts";
import type { StreamCommits, StreamLog } from "../../stream/stream_log.ts";
import type { Commit, CommitListener } from "../base/commit.ts";

/** Rows that go with a commit of the broker. */
export interface StoredRows {
  /** Whether it only removes rows, and may go before everything else when the disk is full. */
  readonly isRemoved: boolean;
  write(batch: Batch): void;
  onWriteFailed(): void;
}

/** What streams need of what stores the state of the broker. */
export interface StreamJournal {
  readonly gathering: Commit;
  /** Has rows written with the next commit. */
  onSessionChanged(rows: StoredRows): void;
}

/** Has the streams of a broker stored in the commits that the acknowledgements wait for. */
export class JournalCommits implements StreamCommits {
  readonly #journal: StreamJournal;
  readonly #rows = new WeakMap<StreamLog, LogRows>();

  constructor(journal: StreamJournal) {
    this.#journal = journal;
  }

  changed(log: StreamLog): void {
    let rows = this.#rows.get(log);
    if (rows === undefined) this.#rows.set(log, rows = new LogRows(this.#journal, log));
    rows.changed();
  }
}

/** The rows of one stream. */
class LogRows implements StoredRows, CommitListener {
  readonly #journal: StreamJournal;
  readonly #log: StreamLog;
  readonly #removals: StoredRows;
  /** The commit that it is written with. */
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

  changed(): void {
    const { gathering } = this.#journal;
    if (this.#log.hasRemovals) this.#journal.onSessionChanged(this.#removals);
    if (this.#commit === gathering) return;
    this.#commit = gathering;
    gathering.tell(this);
    this.#journal.onSessionChanged(this);
  }

  write(batch: Batch): void {
    this.#log.write(batch);
  }

  onWriteFailed(): void {
    this.#log.writeFailed();
  }

  onCommitted(): void {
    this.#log.committed();
  }

  onCommitFailed(): void {
    // What has failed goes with the next commit.
    this.#commit = null;
    this.changed();
  }
}
