/** The kinds of metrics: single values, values by label, and histograms. */

/** An instrument: its name, its description, and a function that reads it. */
export interface Instrument {
  /** Ends with the unit, and with `_total` for a counter. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** The current values: one for each set of labels. */
  read(): Iterable<Sample>;
}

/** Labels are of closed sets: reasons, kinds, and names of listeners. */
export type Labels = Readonly<Record<string, string>>;

/** One value. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number | HistogramValue;
}

/** The current distribution of values. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** An instrument with one value; without a value while that is `null`. */
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

/** An instrument for a distribution of values. */
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
