/** Limits the messages that a bridge sends in a second. */
import type { Clock } from "../transport/clock.ts";
import type { Valve } from "./valve.ts";

/**
 * Limits the messages that a bridge sends in a second: what has gathered during an outage must not
 * flood the other broker, or a slow line. Beyond the rate, the bridge reads nothing of its own broker
 * for a while; so messages wait in the log of the broker, and not in the bridge.
 */
export class RateLimit {
  readonly #perSecondMax: number;
  readonly #clock: Clock;
  /** When the messages that were sent so far may have been sent at the earliest, of the clock. */
  #paidMs = -Infinity;
  #cancel: () => void = () => {};

  /** @param perSecondMax Messages in a second; 0 for no limit. */
  constructor(perSecondMax: number, clock: Clock) {
    this.#perSecondMax = perSecondMax;
    this.#clock = clock;
  }

  /** A message was sent: closes the valve until the next one may follow. */
  count(valve: Valve): void {
    if (this.#perSecondMax === 0) return;
    const nowMs = this.#clock.now();
    this.#paidMs = Math.max(this.#paidMs, nowMs) + 1000 / this.#perSecondMax;
    // A timer for each message would be dear: a hundredth of a second at once.
    if (this.#paidMs < nowMs + 10) return;
    valve.set("rate", true);
    this.#cancel = this.#clock.schedule(this.#paidMs, () => valve.set("rate", false));
  }

  /** Opens no valve any more. */
  stop(): void {
    this.#cancel();
  }
}
