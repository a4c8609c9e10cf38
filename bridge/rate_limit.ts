/** Limits the messages that a bridge sends in a second. */
import type { Clock } from "../transport/clock.ts";

/** Timers are this far apart at least, in milliseconds: one for each message would be dear. */
const STEP_MS = 10;

/**
 * Limits the messages that a bridge sends in a second: what has gathered during an outage must not
 * flood the other broker, or a slow line. Messages beyond the rate wait in the log of the broker.
 */
export class RateLimit {
  readonly #perSecondMax: number;
  readonly #clock: Clock;
  /** When the messages that were sent so far may have been sent at the earliest, of the clock. */
  #paidMs = -Infinity;
  #cancel: (() => void) | null = null;

  /** @param perSecondMax Messages in a second; 0 for no limit. */
  constructor(perSecondMax: number, clock: Clock) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
  }

  /**
   * Whether a message may be sent now; it then counts as sent.
   *
   * @param later Called once, when one may be sent again.
   */
  take(later: () => void): boolean {
    if (this.#perSecondMax === 0) return true;
    const nowMs = this.#clock.now();
    if (this.#paidMs >= nowMs + STEP_MS) {
      this.#cancel ??= this.#clock.schedule(this.#paidMs, () => {
        this.#cancel = null;
        later();
      });
      return false;
    }
    this.#paidMs = Math.max(this.#paidMs, nowMs) + 1000 / this.#perSecondMax;
    return true;
  }

  /** Calls nothing any more. */
  stop(): void {
    this.#cancel?.();
  }
}
