/** The kinds of metrics: single values, values by label, and histograms. */

/** What is measured: its name, what it means, and how it is read. */
export interface Instrument {
  /** Ends in the unit, and in `_total` for what only grows. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** The values as of now: one for each set of labels. */
  read(): Iterable<Sample>;
}

/** Labels are of closed sets: reasons, kinds, and names of listeners. */
export type Labels = Readonly<Record<string, string>>;

/** One value. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number | HistogramValue;
}

/** How values are spread, as of now. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** An instrument with one value; it has none while that is `null`. */
export function single(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  read: () => number | null,
): Instrument {
  return {
    kind,
    name,
    help,
    *read() {
      const value = read();
      if (value !== null) yield { labels: {}, value };
    },
  };
}

/** An instrument with a value for each word of a closed set. */
export function byLabel(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  label: string,
  read: () => Iterable<readonly [string, number]>,
): Instrument {
  return {
    kind,
    name,
    help,
    *read() {
      for (const [word, value] of read()) yield { labels: { [label]: word }, value };
    },
  };
}

/** An instrument that tells how values are spread. */
export function spread(name: string, help: string, read: () => HistogramValue): Instrument {
  return {
    kind: "histogram",
    name,
    help,
    *read() {
      yield { labels: {}, value: read() };
    },
  };
}
