/** The time spans of the averages, in minutes. */
export const SPANS = [1, 5, 15] as const;

/** How often something happens in a minute, on average over the last 1, 5 and 15 minutes. */
export class LoadAverage {
  readonly #perMinute = [0, 0, 0];
  #last = 0;

  /**
   * Adds what was counted since the last call.
   *
   * @param total The total count.
   * @param seconds Seconds since the last call.
   */
  take(total: number, seconds: number): void {
    const rate = (total - this.#last) * 60 / seconds;
    this.#last = total;
    for (const [index, minutes] of SPANS.entries()) {
      const kept = Math.exp(-seconds / (60 * minutes));
      this.#perMinute[index] = this.#perMinute[index]! * kept + rate * (1 - kept);
    }
  }

  /** The averages, in the order of {@linkcode SPANS}. */
  get perMinute(): readonly number[] {
    return this.#perMinute;
  }
}
