/**
 * Does the work for operators in small slices of time, one after the other, so that HTTP clients
 * together use only a share of the broker's time.
 *
 * @module
 */
import type { Clock } from "../broker/base/clock.ts";

/** The length of a slice of work, in milliseconds. Longer work continues in another slice. */
const SLICE_MS = 0.25;
/** The pause after a slice, as a multiple of its length: the share is a quarter. */
const REST = 3;
/** The maximum number of waiting pieces of work; past it: 429. */
export const WAITING_MAX = 64;
/** Steps between two reads of the clock. */
export const STEPS_PER_LOOK = 8;

/** Too many requests at once. The HTTP client gets 429. */
export class TooBusyError extends Error {
  override readonly name: string = "TooBusyError";
}

/** Work that can stop after each step; what it returns is its result. */
export type Steps<T> = Generator<void, T, void>;

/** What a {@linkcode TimeSlices} needs of the broker. */
export interface TimeSlicesHost {
  readonly clock: Clock;
  /** Resolves when the caller may go on. */
  nextTurn(): Promise<void>;
}

/** Does the work of operators, slice by slice, one piece after the other. */
export class TimeSlices {
  /** The number of refused requests. */
  refused = 0;
  readonly #host: TimeSlicesHost;
  /** Resolves when the previous slice and its pause are over. */
  #before: Promise<void> = Promise.resolve();
  #waiting = 0;
  #cancel: (() => void) | null = null;
  #isClosed = false;

  constructor(host: TimeSlicesHost) {
    this.#host = host;
  }

  /** The number of pieces of work in progress or waiting. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does all steps of a piece of work.
   *
   * @throws {TooBusyError} If too many pieces of work wait already.
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

  /** Stops the pauses, so that work in progress ends soon. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  /** Does one slice in its turn; `null` if there is more to do. */
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
