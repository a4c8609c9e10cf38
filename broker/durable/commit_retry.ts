/** Whether the store refuses commits, and when a failed commit is tried again. */
import { StoreFullError, StoreGoneError } from "../../store/store.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** The time before a failed commit is retried, in milliseconds. */
const RETRY_MS = 1000;

/** The broker, as retries need it. */
export interface RetryHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Reports an error. */
  reportError(error: unknown): void;
  /** A commit has failed. Its changes will be retried. */
  onCommitFailed(): void;
  /** The disk is full, or no longer is; or the store refuses writes for another reason. */
  onFull(isFull: boolean, reason?: Error): void;
}

/** Retries failed commits after a time, and reports that they fail. */
export class CommitRetry {
  /** Whether the last commit has failed. A field, because each publication reads it. */
  isFailing = false;
  /** Whether a commit may be tried now. A field, because each change reads it. */
  mayTry = true;
  readonly #host: RetryHost;
  readonly #deadline: Deadline;
  /** The name of the last reported error. */
  #reported = "";

  /** @param retry Called when the failed changes may be tried again. */
  constructor(host: RetryHost, retry: () => void) {
    this.#host = host;
    this.#deadline = new Deadline(() => {
      this.mayTry = true;
      retry();
    });
  }

  /** A commit has succeeded. */
  onCommitted(): void {
    if (!this.isFailing) return;
    this.isFailing = false;
    this.#host.onFull(false);
  }

  /** A commit has failed. */
  onCommitFailed(reason: Error): void {
    const { scheduler, clock } = this.#host;
    this.#host.onCommitFailed();
    this.#report(reason);
    this.mayTry = false;
    scheduler.set(this.#deadline, clock.now() + RETRY_MS);
  }

  /** Allows one more commit now. */
  tryNow(): void {
    this.mayTry = true;
  }

  /** Stops the retries. */
  stop(): void {
    this.#host.scheduler.clear(this.#deadline);
  }

  /** Reports that the store refuses writes, once for each kind of reason. */
  #report(reason: Error): void {
    if (this.isFailing && this.#reported === reason.name) return;
    this.isFailing = true;
    this.#reported = reason.name;
    this.#host.onFull(true, reason);
    const isExpected = reason instanceof StoreFullError || reason instanceof StoreGoneError;
    if (!isExpected) this.#host.reportError(reason);
  }
}
