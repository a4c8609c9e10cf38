/** The metrics, with their names and directions. */
export const METRICS = {
  cpu: { label: "CPU per message", unit: "µs", isLess: true },
  cpuConnect: { label: "CPU per connect", unit: "µs", isLess: true },
  cpuCycle: { label: "CPU per cycle", unit: "µs", isLess: true },
  cpuSubscribe: { label: "CPU per subscription", unit: "µs", isLess: true },
  load: { label: "CPU while idle", unit: "% of a core", isLess: true },
  rate: { label: "messages", unit: "per second", isLess: false },
  connects: { label: "connects", unit: "per second", isLess: false },
  cycles: { label: "cycles", unit: "per second", isLess: false },
  p50: { label: "round trip, median", unit: "µs", isLess: true },
  p99: { label: "round trip, p99", unit: "µs", isLess: true },
  bytes: { label: "memory per connection", unit: "bytes", isLess: true },
  bytesSubscription: { label: "memory per subscription", unit: "bytes", isLess: true },
} as const;

/** The name of a metric. */
export type Metric = keyof typeof METRICS;

/** Figures of one run, by metric. */
export type Figures = Partial<Record<Metric, number>>;

/** The result of one run of one case with one broker. */
export interface Measurement {
  readonly figures: Figures;
  /** Messages that did not arrive, or arrived twice or out of order. */
  readonly faults: number;
}

/** Removes metrics that could not be measured. */
export function figuresOf(all: Partial<Record<Metric, number | null | undefined>>): Figures {
  const figures: Figures = {};
  for (const [metric, value] of Object.entries(all)) {
    if (typeof value === "number" && Number.isFinite(value)) figures[metric as Metric] = value;
  }
  return figures;
}

/** The median of values; for an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The median of each metric over several runs, and the maximum of their faults. */
export function medians(runs: readonly Measurement[]): Measurement {
  const figures: Figures = {};
  for (const metric of Object.keys(METRICS) as Metric[]) {
    const values = runs.map((run) => run.figures[metric]).filter((value) => value !== undefined);
    if (values.length > 0) figures[metric] = median(values);
  }
  return { figures, faults: Math.max(0, ...runs.map(({ faults }) => faults)) };
}
