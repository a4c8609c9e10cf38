/** Histograms, and the measurements of commits. */

/** How values are spread: counted by upper bounds, as Prometheus has it. */
export class Histogram {
  /** The upper bounds, in order; everything beyond the last is counted too. */
  readonly bounds: readonly number[];
  /** How many values are at most each bound and above the one before, the last beyond all. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array(bounds.length + 1).fill(0);
  }

  /** Takes a value. */
  add(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += value;
    this.count++;
  }
}

/** Upper bounds of times, in seconds. */
export const SECONDS_BOUNDS: readonly number[] = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];

/** Upper bounds of how many rows a commit changes. */
const ROWS_BOUNDS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];

/** How long commits to the store take, and how large they are. */
export class CommitMeter {
  /** How long they take, in seconds. */
  readonly seconds: Histogram = new Histogram(SECONDS_BOUNDS);
  /** How many rows they change. */
  readonly rows: Histogram = new Histogram(ROWS_BOUNDS);
}
