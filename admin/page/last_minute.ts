/** By how much counters have grown in the last minute, from samples that are taken every second. */

/** How long a sample is kept, in milliseconds. */
const KEPT_MS = 60_000;
/** How many samples are kept, at most: more come when pages are opened at a high rate. */
const SAMPLES_MAX = 61;

/** Counters by their names. */
export type Counts = Readonly<Record<string, number>>;

/** Counters at a time. */
interface Sample {
  readonly atMs: number;
  readonly counts: Counts;
}

/** Samples of counters. */
export class LastMinute {
  readonly #samples: Sample[] = [];

  /**
   * Takes a sample. Nothing is sampled while nobody looks, so older ones are left out by their age.
   */
  add(counts: Counts, atMs: number): void {
    const samples = this.#samples;
    samples.push({ atMs, counts: { ...counts } });
    while (samples.length > SAMPLES_MAX || atMs - samples[0]!.atMs > KEPT_MS) samples.shift();
  }

  /** The counters that have grown, and by how much. */
  grown(): [string, number][] {
    const [first, last] = [this.#samples[0]?.counts, this.#samples.at(-1)?.counts];
    if (first === undefined || last === undefined) return [];
    return Object.entries(last)
      .map(([name, count]): [string, number] => [name, count - (first[name] ?? 0)])
      .filter(([, grown]) => grown > 0);
  }
}
