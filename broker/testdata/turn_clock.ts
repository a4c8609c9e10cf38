import type { Clock } from "../base/clock.ts";

/** A clock that lets the runtime have its turn when the test says so. */
export class TurnClock implements Clock {
  readonly #callbacks: (() => void)[] = [];

  /** What {@linkcode now} says. */
  nowMs = 0;

  now(): number {
    return this.nowMs;
  }

  schedule(): () => void {
    throw new Error("Nobody should ask for an appointment here");
  }

  soon(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Calls back whoever has asked for it; tells how many these were. */
  turn(): number {
    const callbacks = this.#callbacks.splice(0);
    for (const callback of callbacks) callback();
    return callbacks.length;
  }
}
