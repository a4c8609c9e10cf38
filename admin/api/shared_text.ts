/** A text that is shared by all requests within a second. */
import type { Clock } from "../../broker/base/clock.ts";

/** How long a text is used, in milliseconds. */
const FRESH_MS = 1000;

/** Makes a text at most once a second. */
export class SharedText {
  readonly #clock: Clock;
  readonly #make: () => Promise<string>;
  #text: Promise<string> | null = null;
  /** When the making of the text began, by the clock. */
  #sinceMs = -Infinity;

  constructor(clock: Clock, make: () => Promise<string>) {
    this.#clock = clock;
    this.#make = make;
  }

  /**
   * The text, which is no older than a second when it was begun.
   *
   * @throws The error of making it. The next request tries again.
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
