import { setImmediate } from "node:timers";

interface Appointment {
  readonly atMs: number;
  /** Appointments of one instant are kept in the order they were made. */
  readonly order: number;
  /** `undefined` once it is cancelled. */
  callback: (() => void) | undefined;
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/**
 * A clock that stands still until a test moves it: a keep alive of an hour passes at once, and two
 * runs see the same instants.
 */
export class VirtualClock {
  /** Told how long each turn has taken of real time, in milliseconds, if anybody wants to know. */
  turned: ((realMs: number) => void) | null = null;
  /**
   * The most appointments that one move of the clock keeps. What repeats for ever would hold a test
   * up for as long as the time that it has pass is long.
   */
  appointmentsMax = 10_000_000;
  #nowMs = 0;
  #made = 0;
  /** Sorted, the next to come at the end: the appointments of a test are few. */
  readonly #appointments: Appointment[] = [];

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#nowMs;
  }

  /**
   * Has `callback` called when the clock comes to `atMs`, or as soon as it moves if that is past.
   *
   * @returns Cancels the appointment; harmless when it has been kept.
   */
  schedule(atMs: number, callback: () => void): () => void {
    const appointment: Appointment = { atMs, order: this.#made++, callback };
    this.#appointments.splice(this.#placeOf(appointment), 0, appointment);
    return () => appointment.callback = undefined;
  }

  /**
   * Moves on by `ms`, keeping every appointment on the way in its order. Promises settle before
   * the first, between any two and after the last, and may make more appointments.
   *
   * @throws {RangeError} There were {@linkcode appointmentsMax} on the way.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await this.settle();
    for (let kept = 0; await this.#keepNext(targetMs); kept++) {
      if (kept < this.appointmentsMax) continue;
      throw new RangeError(`More than ${this.appointmentsMax} appointments within ${ms} ms`);
    }
    this.#nowMs = targetMs;
  }

  /**
   * Moves on until `condition` holds, no further than the appointment that brought it about.
   *
   * @returns Whether it came to hold within `limitMs`.
   */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const targetMs = this.#nowMs + limitMs;
    await this.settle();
    while (!condition()) {
      if (await this.#keepNext(targetMs)) continue;
      this.#nowMs = targetMs;
      return condition();
    }
    return true;
  }

  /** Lets all promises that can settle without time passing do so. */
  settle(): Promise<void> {
    // Node's immediate comes after every promise job, whatever the length of their chain.
    return this.#settle(this.turned === null ? 0 : performance.now());
  }

  #settle(startMs: number): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.turned?.(performance.now() - startMs);
        resolve();
      });
    });
  }

  async #keepNext(targetMs: number): Promise<boolean> {
    const next = this.#appointments.at(-1);
    if (next === undefined || next.atMs > targetMs) return false;
    this.#appointments.pop();
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    if (next.callback !== undefined) {
      const startMs = this.turned === null ? 0 : performance.now();
      next.callback();
      await this.#settle(startMs);
    }
    return true;
  }

  #placeOf(appointment: Appointment): number {
    let low = 0;
    let high = this.#appointments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(appointment, this.#appointments[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
