/** The clock that everything uses, and that tests can control. */

/** The source of time. It is injected, so that a test can control it. */
export interface Clock {
  /** Monotonic milliseconds, from any start. */
  now(): number;
  /**
   * Calls back once, at `atMs` of {@linkcode now} or soon after.
   *
   * @returns A function that cancels the call, if it was not made yet.
   */
  schedule(atMs: number, callback: () => void): () => void;
  /**
   * Calls back after the runtime has handled events that are ready. Long work is done in parts with
   * this, so that other work runs in between. Without this method, `schedule` is used.
   */
  soon?(callback: () => void): void;
  /**
   * Calls back after the runtime has asked the system which sockets can be read. {@linkcode soon}
   * may handle only sockets that the runtime already knows to be ready. It costs about 0.2 ms.
   * Without this method, {@linkcode soon} is used.
   */
  afterPoll?(callback: () => void): void;
  /**
   * Whether somebody waits for {@linkcode afterPoll}: then this thread must not sleep, because the
   * runtime has to make many steps first. Without this property, nobody does.
   */
  readonly isPollAwaited?: boolean;
}

/**
 * The number of immediates in a row after which the runtime has polled its sockets. The runtime
 * polls when it has nothing else to do, or after 61 of its own steps, and an immediate may be only
 * one step. (Seen in the system calls of Deno 2.9.6 while 20 sockets are always readable: after 62
 * immediates it has always polled, after 31 every other time.)
 */
export const IMMEDIATES_PER_POLL = 62;

/** The longest timer of the runtime, in milliseconds. For a longer wait, the call comes early, and the caller schedules again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Calls back after the events that are ready. A browser has no immediates: it has short timers. */
const setImmediate: (callback: () => void) => unknown = globalThis.setImmediate ??
  ((callback: () => void) => setTimeout(callback, 0));

/** How many calls of `afterPoll` have not come back yet. */
let pollsAwaited = 0;

/** The clock of the system. */
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
      if (--left > 0) return setImmediate(next);
      pollsAwaited--;
      callback();
    };
    pollsAwaited++;
    setImmediate(next);
  },
  get isPollAwaited(): boolean {
    return pollsAwaited > 0;
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
