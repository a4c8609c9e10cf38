/** The time a test gives anything it waits for, unless it says otherwise. */
export const DEADLINE_MS = 5_000;

/** Between two looks at the clock, in milliseconds. */
const STEP_MS = 100;

/**
 * The time that is left to a wait. A process that is stopped, by a debugger or while somebody
 * measures, is not late: a longer time between two looks at the clock counts as {@linkcode STEP_MS}.
 */
export class Patience {
  #leftMs: number;
  #lastMs = performance.now();

  constructor(deadlineMs: number) {
    this.#leftMs = deadlineMs;
  }

  /** Whether the time is over. Call it at least every {@linkcode STEP_MS}. */
  isOver(): boolean {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#lastMs;
    this.#leftMs -= passedMs > 10 * STEP_MS ? STEP_MS : passedMs;
    this.#lastMs = nowMs;
    return this.#leftMs <= 0;
  }

  /** When to look at the clock again, in milliseconds. */
  get stepMs(): number {
    return Math.min(STEP_MS, Math.ceil(this.#leftMs));
  }
}

/**
 * Waits for `promise`, but not for ever: a test that hangs says nothing, one that fails here says
 * what it waited for.
 *
 * @param what Completes "… did not happen within 5000 ms"; a function, where the words shall tell
 * how far things came.
 * @throws {Error} If the promise does not settle in time.
 */
export async function within<T>(
  what: string | (() => string),
  promise: Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const patience = new Patience(deadlineMs);
  const look = () => {
    if (!patience.isOver()) {
      timer = setTimeout(look, patience.stepMs);
      return;
    }
    const words = typeof what === "string" ? what : what();
    late.reject(new Error(`Within ${deadlineMs} ms this did not happen: ${words}`));
  };
  let timer = setTimeout(look, patience.stepMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
