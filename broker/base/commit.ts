/** A commit to the store, and those who wait for it. */
import { Receipt } from "../../log/receipt.ts";

/** Receives the result of a commit. */
export interface CommitListener {
  /** The commit, and every one before it, is on the disk. */
  onCommitted(commit: Commit): void;
  /** The commit has failed. Its changes are retried with the next commit. */
  onCommitFailed(commit: Commit): void;
}

/** Changes that are written to the disk together, or not at all. */
export class Commit {
  /** Closes when the commit has succeeded or failed. */
  readonly over: Receipt = new Receipt();
  /** The error of a failed commit, or `null`. */
  error: Error | null = null;
  readonly #listeners = new Set<CommitListener>();

  /** @param number The sequence number. */
  constructor(readonly number: number) {}

  /** Adds a listener. Adding it again has no effect. */
  tell(listener: CommitListener): void {
    this.#listeners.add(listener);
  }

  /**
   * The commit is on the disk. An error in a listener is reported, and does not affect the others.
   */
  succeed(report: (error: unknown) => void): void {
    this.#tell((listener) => listener.onCommitted(this), report);
  }

  /** The commit has failed. */
  fail(error: Error, report: (error: unknown) => void): void {
    this.error = error;
    this.#tell((listener) => listener.onCommitFailed(this), report);
  }

  #tell(call: (listener: CommitListener) => void, report: (error: unknown) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        report(error);
      }
    }
    this.over.close();
  }
}
