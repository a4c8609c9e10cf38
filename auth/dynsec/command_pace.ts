/** Limits the rate of commands. */
import { COMMANDS_BURST_MAX, COMMANDS_PER_SECOND_MAX } from "./limits.ts";

/** Time, as a pace needs it. */
export interface PaceClock {
  /** Milliseconds, from any start. */
  now(): number;
  /** Resolves after some milliseconds. */
  wait(ms: number): Promise<void>;
}

/** Makes commands beyond a burst wait, so that the average rate stays within the limit. */
export class CommandPace {
  readonly #clock: PaceClock;
  /** The time at which all commands so far would be done at the rate. */
  #paidMs = 0;

  constructor(clock: PaceClock) {
    this.#clock = clock;
  }

  /** Waits until some commands may be executed. */
  async take(commands: number): Promise<void> {
    const now = this.#clock.now();
    const burstMs = COMMANDS_BURST_MAX * 1000 / COMMANDS_PER_SECOND_MAX;
    this.#paidMs = Math.max(this.#paidMs, now) + commands * 1000 / COMMANDS_PER_SECOND_MAX;
    const waitMs = this.#paidMs - now - burstMs;
    if (waitMs > 0) await this.#clock.wait(waitMs);
  }
}
