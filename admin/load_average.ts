/** Moving averages over 1, 5 and 15 minutes, as `$SYS/broker/load/` has them. */

/** The time spans of the averages, in minutes. */
const SPANS = [1, 5, 15] as const;

/** The rate of events per minute, averaged over the last 1, 5 and 15 minutes. */
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

/** Averages of several totals, under the names that they have below `$SYS/broker/`. */
export class LoadAverages {
  readonly #loads = new Map<string, LoadAverage>();
  #lastMs: number;

  /** @param nowMs The start of the count. */
  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** Adds what was counted since the last call. */
  take(totals: Readonly<Record<string, number>>, nowMs: number): void {
    const seconds = (nowMs - this.#lastMs) / 1000;
    if (seconds <= 0) return;
    this.#lastMs = nowMs;
    for (const [name, total] of Object.entries(totals)) this.#of(name).take(total, seconds);
  }

  /** The averages by `load/NAME/1min` and so on, of what was counted at least once. */
  values(): Record<string, number> {
    const values: Record<string, number> = {};
    for (const [name, { perMinute }] of this.#loads) {
      for (const [index, minutes] of SPANS.entries()) {
        values[`load/${name}/${minutes}min`] = perMinute[index]!;
      }
    }
    return values;
  }

  /** Adds averages, which begin at 0. */
  begin(names: Iterable<string>): void {
    for (const name of names) this.#of(name);
  }

  #of(name: string): LoadAverage {
    let load = this.#loads.get(name);
    if (load === undefined) this.#loads.set(name, load = new LoadAverage());
    return load;
  }
}
