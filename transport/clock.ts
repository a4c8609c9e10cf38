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
  /**
   * Calls back once the runtime has asked the system which sockets have something to read: what
   * {@linkcode soon} looks at may be only those it knew of already. Costs some 30 µs. A clock
   * without it is asked for {@linkcode soon}.
   */
  afterPoll?(callback: () => void): void;
}

/**
 * So many immediates in a row have the runtime poll its sockets. It polls when it has nothing else
 * to do, or after 61 steps of its own; an immediate is about two of them (measured with Deno 2.9.6:
 * with fewer, and eight sockets that are always readable, a ninth waits several times as long).
 */
export const IMMEDIATES_PER_POLL = 31;

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
  afterPoll(callback: () => void): void {
    let left = IMMEDIATES_PER_POLL;
    const next = () => {
      if (--left === 0) callback();
      else setImmediate(next);
    };
    setImmediate(next);
  },
};

/** Calls back as {@linkcode Clock.soon} does. */
export function soon(clock: Clock, callback: () => void): void {
  if (clock.soon !== undefined) clock.soon(callback);
  else clock.schedule(clock.now(), callback);
}

/** Calls back as {@linkcode Clock.afterPoll} does. */
export function afterPoll(clock: Clock, callback: () => void): void {
  if (clock.afterPoll !== undefined) clock.afterPoll(callback);
  else soon(clock, callback);
}
