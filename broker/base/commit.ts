import { Receipt } from "../../log/receipt.ts";

/** Whoever has to be told what became of a commit. */
export interface CommitListener {
  /** The commit is on the disk, and every one before it. */
  committed(commit: Commit): void;
  /** The commit has failed; what it holds is tried again with the next one. */
  commitFailed(commit: Commit): void;
}

/** Changes that reach the disk together, or not at all. */
export class Commit {
  /** Closes when it is over, whether it has failed or not. */
  readonly over: Receipt = new Receipt();
  /** Why it has failed, or `null`. */
  error: Error | null = null;
  readonly #listeners = new Set<CommitListener>();

  /** @param number Counts up. */
  constructor(readonly number: number) {}

  /** Tells somebody what becomes of it; once, however often asked to. */
  tell(listener: CommitListener): void {
    this.#listeners.add(listener);
  }

  /** It is on the disk. What a listener throws is reported, and keeps nobody else from being told. */
  succeed(report: (error: unknown) => void): void {
    this.#tell((listener) => listener.committed(this), report);
  }

  /** It has failed. */
  fail(error: Error, report: (error: unknown) => void): void {
    this.error = error;
    this.#tell((listener) => listener.commitFailed(this), report);
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
