/** A text that is made for all who ask for it within a while. */
import type { Clock } from "../../broker/base/clock.ts";

/** How long a text is good for, in milliseconds. */
const FRESH_MS = 1000;

/** Makes a text once a second at most. */
export class SharedText {
  readonly #clock: Clock;
  readonly #make: () => Promise<string>;
  #text: Promise<string> | null = null;
  /** When the text was begun, by the clock. */
  #sinceMs = -Infinity;

  constructor(clock: Clock, make: () => Promise<string>) {
    this.#clock = clock;
    this.#make = make;
  }

  /**
   * The text, which is no older than a second when it was begun.
   *
   * @throws What making it throws; the next who asks has it made again.
   */
  get(): Promise<string> {
    const now = this.#clock.now();
    if (this.#text !== null && now - this.#sinceMs < FRESH_MS) return this.#text;
    this.#sinceMs = now;
    const text = this.#make();
    text.catch(() => {
      if (this.#text === text) this.#text = null;
    });
    return this.#text = text;
  }
}
