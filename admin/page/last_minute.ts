/** By how much counters have grown in the last minute, from samples that are taken every second. */

/** How many samples are kept: a minute of them. */
const SAMPLES = 60;

/** Counters by their names. */
export type Counts = Readonly<Record<string, number>>;

/** Samples of counters. */
export class LastMinute {
  readonly #samples: Counts[] = [];

  /** Takes a sample. */
  add(counts: Counts): void {
    this.#samples.push({ ...counts });
    if (this.#samples.length > SAMPLES + 1) this.#samples.shift();
  }

  /** The counters that have grown, and by how much. */
  grown(): [string, number][] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined) return [];
    return Object.entries(last)
      .map(([name, count]): [string, number] => [name, count - (first[name] ?? 0)])
      .filter(([, grown]) => grown > 0);
  }
}
