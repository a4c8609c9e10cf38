/** Commits the changes of streams to a store of their own. */
import { Batch } from "../store/batch.ts";
import { type Store, StoreError } from "../store/store.ts";
import type { StreamCommits, StreamLog } from "./stream_log.ts";

/** A caller that waits for a commit. */
interface Waiting {
  readonly number: number;
  readonly input: { isRevoked: boolean };
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits the changes of streams to a store of their own. Changes during a commit are written with
 * the next one. So commits become larger under load, and no change waits for a timer.
 */
export class StoreCommits implements StreamCommits {
  readonly #store: Store;
  readonly #waiting: Waiting[] = [];
  #changed = new Set<StreamLog>();
  #gathering = 1;
  #isUnderWay = false;
  #isTouched = false;
  #over: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  markChanged(log: StreamLog): void {
    this.#changed.add(log);
    if (this.#isUnderWay || this.#isTouched) return;
    this.#isTouched = true;
    queueMicrotask(() => {
      this.#isTouched = false;
      if (!this.#isUnderWay && this.#changed.size > 0) this.#over = this.#commit();
    });
  }

  /**
   * Waits until all changes up to now are on the disk.
   *
   * @param input The appended message. It is revoked if the commit fails.
   * @throws {StoreError} If the commit fails.
   */
  whenStored(input: { isRevoked: boolean }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ number: this.#gathering, input, resolve, reject });
    return promise;
  }

  /** Waits until all changes are committed, or a commit has failed. */
  async close(): Promise<void> {
    while (this.#isTouched || this.#isUnderWay) {
      await Promise.resolve();
      await this.#over;
    }
  }

  async #commit(): Promise<void> {
    const logs = this.#changed;
    const number = this.#gathering++;
    this.#changed = new Set();
    this.#isUnderWay = true;
    let error: unknown = null;
    try {
      const batch = new Batch();
      for (const log of logs) log.write(batch);
      await this.#store.commit(batch);
      for (const log of logs) log.onCommitted();
    } catch (reason) {
      error = reason ?? new StoreError("The commit has failed");
      for (const log of logs) log.onWriteFailed();
    }
    this.#isUnderWay = false;
    this.#settle(number, error);
    const more = [...this.#changed];
    // The changes of a failed commit are written again with the next change.
    if (error !== null) { for (const log of logs) this.#changed.add(log); }
    for (const log of more) this.markChanged(log);
  }

  #settle(number: number, error: unknown): void {
    const waiting = this.#waiting.splice(0);
    for (const one of waiting) {
      if (one.number > number) this.#waiting.push(one);
      else if (error === null) one.resolve();
      else {
        one.input.isRevoked = true;
        one.reject(error);
      }
    }
  }
}
