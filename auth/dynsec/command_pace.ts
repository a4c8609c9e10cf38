/** Limits how many commands a second are done. */
import { COMMANDS_BURST_MAX, COMMANDS_PER_SECOND_MAX } from "./limits.ts";

/** Time, as a pace needs it. */
export interface PaceClock {
  /** Milliseconds, from any start. */
  now(): number;
  /** Resolves after some milliseconds. */
  wait(ms: number): Promise<void>;
}

/** Has commands wait beyond a burst, so that there are no more than so many per second. */
export class CommandPace {
  readonly #clock: PaceClock;
  /** When all commands until now would be done at the rate. */
  #paidMs = 0;

  constructor(clock: PaceClock) {
    this.#clock = clock;
  }

  /** Waits until some commands may be done. */
  async take(commands: number): Promise<void> {
    const now = this.#clock.now();
    const burstMs = COMMANDS_BURST_MAX * 1000 / COMMANDS_PER_SECOND_MAX;
    this.#paidMs = Math.max(this.#paidMs, now) + commands * 1000 / COMMANDS_PER_SECOND_MAX;
    const waitMs = this.#paidMs - now - burstMs;
    if (waitMs > 0) await this.#clock.wait(waitMs);
  }
}
