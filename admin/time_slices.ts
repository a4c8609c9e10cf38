/**
 * Does the work that operators ask for in small slices of time, one after the other, so that no
 * number of HTTP clients takes more than a share of the broker's time.
 *
 * @module
 */
import type { Clock } from "../broker/base/clock.ts";

/** How long a slice of work may take, in milliseconds; what takes longer goes on in another. */
const SLICE_MS = 0.25;
/** After a slice so many times its length is left to the broker: the share is a quarter. */
const REST = 3;
/** How many pieces of work may wait at once; past it: 429. */
export const WAITING_MAX = 64;
/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 8;

/** Too much is asked for at once; the HTTP client is told 429. */
export class TooBusyError extends Error {
  override readonly name: string = "TooBusyError";
}

/** Work that can stop after each step; what it returns is its result. */
export type Steps<T> = Generator<void, T, void>;

/** What a {@linkcode TimeSlices} needs of the broker. */
export interface TimeSlicesHost {
  readonly clock: Clock;
  /** Resolves when it is the turn of whoever asks. */
  nextTurn(): Promise<void>;
}

/** Does the work of operators, slice by slice, each piece in its turn. */
export class TimeSlices {
  /** How often something was refused because too much waited. */
  refused = 0;
  readonly #host: TimeSlicesHost;
  /** Resolves when the slice before is over, with its rest. */
  #before: Promise<void> = Promise.resolve();
  #waiting = 0;
  #cancel: (() => void) | null = null;
  #isClosed = false;

  constructor(host: TimeSlicesHost) {
    this.#host = host;
  }

  /** How many pieces of work are under way or wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does work to its end.
   *
   * @throws {TooBusyError} If too much waits already.
   * @throws What a step throws.
   */
  async run<T>(steps: Steps<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) {
      this.refused++;
      throw new TooBusyError("Too many requests at once");
    }
    this.#waiting++;
    try {
      for (;;) {
        const done = await this.#slice(steps);
        if (done !== null) return done.value;
      }
    } finally {
      this.#waiting--;
    }
  }

  /** Rests no more: what is under way comes to its end. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  /** Does one slice when it is its turn; `null` if there is more to do. */
  async #slice<T>(steps: Steps<T>): Promise<{ value: T } | null> {
    const before = this.#before;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#before = promise;
    await before;
    await this.#host.nextTurn();
    const { clock } = this.#host;
    const startMs = clock.now();
    try {
      for (let left = STEPS_PER_LOOK;;) {
        const step = steps.next();
        if (step.done) return { value: step.value };
        if (--left > 0) continue;
        if (clock.now() - startMs >= SLICE_MS) return null;
        left = STEPS_PER_LOOK;
      }
    } finally {
      this.#rest((clock.now() - startMs) * REST, resolve);
    }
  }

  #rest(restMs: number, over: () => void): void {
    if (this.#isClosed) return over();
    const { clock } = this.#host;
    const cancel = clock.schedule(clock.now() + restMs, () => {
      this.#cancel = null;
      over();
    });
    this.#cancel = () => {
      cancel();
      this.#cancel = null;
      over();
    };
  }
}
