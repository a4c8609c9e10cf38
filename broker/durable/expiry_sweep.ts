/** The removal of stored messages that have expired and that nobody reads. */
import type { Clock } from "../base/clock.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** The interval between two sweeps, in milliseconds. */
const SWEEP_MS = 1000;
/** The maximum number of logs that one sweep checks. */
const SWEEP_LOGS = 10_000;

/** The broker, as the sweep needs it. */
export interface SweepHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Messages have expired before they were sent. */
  onExpired(messages: number): void;
}

/** A log, as the sweep needs it. */
export interface SweptLog {
  /** Removes expired entries. Returns their number. */
  dropExpired(nowMs: number): number;
}

/**
 * Visits all logs with entries in turn, and removes expired ones: messages that nobody reads must
 * not fill the disk.
 */
export class ExpirySweep {
  readonly #host: SweepHost;
  readonly #logs = new Set<SweptLog>();
  #next: Iterator<SweptLog> = this.#logs.values();
  readonly #deadline = new Deadline(() => this.#dropExpired());

  constructor(host: SweepHost) {
    this.#host = host;
  }

  /** The number of logs with entries. */
  get size(): number {
    return this.#logs.size;
  }

  /** Adds a log with entries. */
  watch(log: SweptLog): void {
    this.#logs.add(log);
    if (this.#deadline.index >= 0) return;
    const { scheduler, clock } = this.#host;
    scheduler.set(this.#deadline, clock.now() + SWEEP_MS);
  }

  /** Removes an empty log. */
  forget(log: SweptLog): void {
    this.#logs.delete(log);
  }

  /** Removes expired entries of some logs. Later sweeps handle the others. */
  #dropExpired(): void {
    const { clock, scheduler } = this.#host;
    const now = clock.now();
    let messages = 0;
    for (let left = SWEEP_LOGS; left > 0; left--) {
      const next = this.#next.next();
      if (next.done) {
        this.#next = this.#logs.values();
        break;
      }
      messages += next.value.dropExpired(now);
    }
    this.#host.onExpired(messages);
    if (this.#logs.size > 0) scheduler.set(this.#deadline, now + SWEEP_MS);
  }
}
