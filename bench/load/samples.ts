/** A summary of samples, in their unit. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Collects numbers. */
export class Samples {
  #values = new Float64Array(1024);
  #count = 0;

  /** The number of samples. */
  get count(): number {
    return this.#count;
  }

  /** Adds a sample. */
  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** All samples, sorted. */
  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort();
  }
}

/** Summarizes sorted numbers; null if there are none. */
export function summarize(sorted: Float64Array): Summary | null {
  const count = sorted.length;
  if (count === 0) return null;
  let sum = 0;
  for (const value of sorted) sum += value;
  const mean = sum / count;
  let squares = 0;
  for (const value of sorted) squares += (value - mean) ** 2;
  // The smallest value that at least this share of all values does not exceed.
  const percentile = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)]!;
  return {
    count,
    min: sorted[0]!,
    mean,
    stddev: Math.sqrt(squares / count),
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    p999: percentile(0.999),
    max: sorted[count - 1]!,
  };
}

/** A row of a histogram: the number of values below `below` and not in an earlier row. */
export interface Bucket {
  readonly below: number;
  readonly count: number;
}

/** Distributes values over rows whose limits are 1, 2 and 5 times powers of ten. */
export function histogram(sorted: Float64Array): Bucket[] {
  if (sorted.length === 0) return [];
  const buckets: Bucket[] = [];
  const limits = roundNumbers(sorted[0]!);
  for (let i = 0; i < sorted.length;) {
    const below = limits.next().value!;
    const start = i;
    while (i < sorted.length && sorted[i]! < below) i++;
    if (i > start || buckets.length > 0) buckets.push({ below, count: i - start });
  }
  return buckets;
}

function* roundNumbers(above: number): Generator<number, never> {
  let power = Math.floor(Math.log10(Math.max(above, 1e-3)));
  for (;; power++) {
    // As text first, because 10 to the power of -2 times 5 is not 0.05.
    for (const digit of [1, 2, 5]) {
      const limit = Number(`${digit}e${power}`);
      if (limit > above) yield limit;
    }
  }
}

const BAR_WIDTH = 40;

/** Draws a histogram with one line per row. */
export function drawHistogram(buckets: readonly Bucket[], unit: string): string {
  const most = Math.max(...buckets.map(({ count }) => count));
  const width = Math.max(...buckets.map(({ below }) => String(below).length));
  return buckets.map(({ below, count }) => {
    const eighths = Math.round(count / most * BAR_WIDTH * 8);
    const rest = " ▏▎▍▌▋▊▉"[eighths % 8]!.trim();
    const bar = "█".repeat(Math.floor(eighths / 8)) + rest;
    return `  < ${String(below).padStart(width)} ${unit} ${String(count).padStart(9)} ${bar}`
      .trimEnd();
  }).join("\n");
}
