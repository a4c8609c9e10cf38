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

  /** It is on the disk. */
  succeed(): void {
    for (const listener of this.#listeners) listener.committed(this);
    this.over.close();
  }

  /** It has failed. */
  fail(error: Error): void {
    this.error = error;
    for (const listener of this.#listeners) listener.commitFailed(this);
    this.over.close();
  }
}
