import { setImmediate } from "node:timers";

/** Time, as the house sees it: injected, so that a test can hold it still. */
export interface Clock {
  /** Milliseconds that only ever grow, from a start of the clock's choosing. */
  now(): number;
  /**
   * Calls back once, at `atMs` of {@linkcode now} or soon after.
   *
   * @returns Takes the call back, if it was not made yet.
   */
  schedule(atMs: number, callback: () => void): () => void;
  /**
   * Calls back once the runtime has looked for what has arrived meanwhile: long work is done a part
   * at a time, so that others have their turn in between. A clock without it is asked for an
   * appointment at once.
   */
  soon?(callback: () => void): void;
}

/** Longer than this a timer of the runtime cannot be; whoever waits asks again then. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(atMs: number, callback: () => void): () => void {
    const inMs = Math.ceil(atMs - performance.now());
    const timer = setTimeout(callback, Math.min(Math.max(0, inMs), TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  soon(callback: () => void): void {
    setImmediate(callback);
  },
};

/** Calls back as {@linkcode Clock.soon} does. */
export function soon(clock: Clock, callback: () => void): void {
  if (clock.soon !== undefined) clock.soon(callback);
  else clock.schedule(clock.now(), callback);
}
