/** Knows since when the runtime has not polled its sockets for certain. */
import { IMMEDIATES_PER_POLL } from "./clock.ts";

/**
 * How much work may be done before the runtime is made to poll the sockets. Between turns it
 * handles the sockets that it knows to be ready, and polls by itself now and then. Polling after
 * each turn would cost a wide fan-out a tenth of its speed (measured).
 */
const POLL_MS_MAX = 12;

/** After this many of its steps the runtime has polled by itself; an immediate is one step. */
const STEPS_PER_POLL = IMMEDIATES_PER_POLL;

/** Measures the work since the runtime has polled its sockets for certain. */
export class PollMeter {
  readonly #onPolled: () => void;
  #polls = 0;
  /** Work since the last certain poll, and steps of the runtime since then. */
  #unpolledMs = 0;
  #steps = 0;
  /** Until when the work of the runtime is counted. */
  #countedMs = 0;

  /** @param onPolled Called when it has polled. */
  constructor(onPolled: () => void) {
    this.#onPolled = onPolled;
  }

  /** Changes each time that the runtime has certainly polled. */
  get polls(): number {
    return this.#polls;
  }

  /** Whether there was so much work that the runtime must poll before there is more. */
  get isOverdue(): boolean {
    return this.#unpolledMs >= POLL_MS_MAX;
  }

  /** The broker begins to wait for the runtime. */
  onWaiting(nowMs: number): void {
    this.#countedMs = nowMs;
  }

  /** The broker has worked from `startMs` to `nowMs`. */
  onWorked(startMs: number, nowMs: number): void {
    this.#unpolledMs += nowMs - startMs;
    this.#countedMs = nowMs;
  }

  /** The runtime was busy with something else until `nowMs`. */
  onReturned(nowMs: number): void {
    this.#unpolledMs += nowMs - this.#countedMs;
  }

  /** The runtime has made a step, such as an immediate. */
  onStepped(): void {
    if (++this.#steps >= STEPS_PER_POLL) this.onPolled();
  }

  /** The runtime has polled. */
  onPolled(): void {
    this.#unpolledMs = this.#steps = 0;
    this.#polls++;
    this.#onPolled();
  }
}
