import type { Clock } from "../base/clock.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";
import type { DurableLog } from "./durable_log.ts";

/** How long between two looks at what has expired, in milliseconds. */
const SWEEP_MS = 1000;
/** Logs that are searched in one go for what has expired. */
const SWEEP_LOGS = 10_000;

/** What the sweep needs of the broker. */
export interface SweepHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Messages have expired before anyone was sent them. */
  expired(messages: number): void;
}

/**
 * Goes round the logs that hold something, and drops what has expired there: messages that nobody
 * comes for must not fill the disk.
 */
export class ExpirySweep {
  readonly #host: SweepHost;
  readonly #logs = new Set<DurableLog>();
  #next: Iterator<DurableLog> = this.#logs.values();
  readonly #deadline = new Deadline(() => this.#dropExpired());

  constructor(host: SweepHost) {
    this.#host = host;
  }

  /** How many logs hold something. */
  get size(): number {
    return this.#logs.size;
  }

  /** Keeps a log in sight while there is something in it. */
  watch(log: DurableLog): void {
    this.#logs.add(log);
    if (this.#deadline.index >= 0) return;
    const { scheduler, clock } = this.#host;
    scheduler.set(this.#deadline, clock.now() + SWEEP_MS);
  }

  /** There is nothing in a log any more. */
  forget(log: DurableLog): void {
    this.#logs.delete(log);
  }

  /** Drops what has expired in some of the logs; in the others with the next sweeps. */
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
    this.#host.expired(messages);
    if (this.#logs.size > 0) scheduler.set(this.#deadline, now + SWEEP_MS);
  }
}
