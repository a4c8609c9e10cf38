/**
 * The instruments of `/metrics` through OpenTelemetry: with `OTEL_DENO=true`, Deno exports them to
 * a collector.
 *
 * @module
 */
import type { Broker } from "../broker/broker.ts";
import type { Operations } from "./api/operations.ts";
import { MetricsSource } from "./api/metrics_source.ts";
import type { HistogramValue, Instrument, Labels } from "./metrics/instrument.ts";
import { TimeSlices } from "./time_slices.ts";

/** The symbol under which the API of OpenTelemetry, version 1, finds its provider. */
const API = Symbol.for("opentelemetry.js.api.1");

/** An observable instrument of OpenTelemetry. */
type Observable = Record<never, never>;

/** Takes the values of one export. */
interface Observer {
  observe(observable: Observable, value: number, attributes: Labels): void;
}

/** The needed part of a meter of OpenTelemetry. */
interface Meter {
  createObservableCounter(name: string, options: { readonly description: string }): Observable;
  createObservableGauge(name: string, options: { readonly description: string }): Observable;
  addBatchObservableCallback(read: (observer: Observer) => void, all: Observable[]): void;
  removeBatchObservableCallback(read: (observer: Observer) => void, all: Observable[]): void;
}

/** A provider of meters. */
interface MeterProvider {
  getMeter(name: string, version?: string): Meter;
}

/** The exported form of one instrument: itself, or the parts of a histogram. */
interface Exported {
  readonly instrument: Instrument;
  readonly value: Observable;
  /** The buckets, the sum and the number of values of a histogram; `null` for another kind. */
  readonly parts: { readonly sum: Observable; readonly count: Observable } | null;
}

/** An export of a broker's metrics, until it is stopped. */
export class Telemetry {
  readonly #meter: Meter;
  readonly #source: MetricsSource;
  readonly #slices: TimeSlices;
  readonly #exported: readonly Exported[];
  readonly #observables: Observable[];
  readonly #onFailed: (error: unknown) => void;
  /** Added to the labels of each value. */
  readonly #labels: Labels;

  private constructor(broker: Broker, operations: Operations, labels: Labels, meter: Meter) {
    const { inspection } = broker;
    this.#labels = labels;
    this.#onFailed = (error) => inspection.reportError(error);
    this.#meter = meter;
    this.#slices = new TimeSlices(inspection);
    this.#source = new MetricsSource(broker, operations, this.#slices);
    this.#exported = this.#source.instruments.map((instrument) => exported(meter, instrument));
    this.#observables = this.#exported.flatMap(({ value, parts }) => {
      return parts === null ? [value] : [value, parts.sum, parts.count];
    });
    meter.addBatchObservableCallback(this.#read, this.#observables);
  }

  /**
   * Exports the metrics of a broker from now on.
   *
   * @param labels Added to each value: they tell brokers of one process apart. Without them a
   * collector would take the values of one for those of another.
   * @returns `null` if nothing in this process exports: Deno does with `OTEL_DENO=true`.
   */
  static start(
    broker: Broker,
    operations: Operations = {},
    labels: Readonly<Record<string, string>> = {},
  ): Telemetry | null {
    const api = (globalThis as { [API]?: { readonly metrics?: MeterProvider } })[API];
    if (api?.metrics === undefined) return null;
    const meter = api.metrics.getMeter("fairway", operations.version);
    return new Telemetry(broker, operations, labels, meter);
  }

  /** Stops the export. */
  stop(): void {
    this.#meter.removeBatchObservableCallback(this.#read, this.#observables);
    this.#source.stop();
    this.#slices.close();
  }

  readonly #read = (observer: Observer): void => {
    for (const { instrument, value: observable, parts } of this.#exported) {
      for (const { labels: own, value } of instrument.read()) {
        const labels = { ...own, ...this.#labels };
        if (typeof value === "number") observer.observe(observable, value, labels);
        else if (parts !== null) {
          for (const [le, below] of buckets(value)) {
            observer.observe(observable, below, { ...labels, le });
          }
          observer.observe(parts.sum, value.sum, labels);
          observer.observe(parts.count, value.count, labels);
        }
      }
    }
    // An export does not wait, so values that need a walk are those of the previous export.
    this.#source.refresh().catch(this.#onFailed);
  };
}

function exported(meter: Meter, instrument: Instrument): Exported {
  const { name, kind, help } = instrument;
  const counter = (suffix = "") =>
    meter.createObservableCounter(`${name}${suffix}`, { description: help });
  if (kind === "histogram") {
    const parts = { sum: counter("_sum"), count: counter("_count") };
    return { instrument, value: counter("_bucket"), parts };
  }
  const value = kind === "counter"
    ? counter()
    : meter.createObservableGauge(name, { description: help });
  return { instrument, value, parts: null };
}

/** The number of values up to each bound, as in the text format of Prometheus. */
function* buckets({ bounds, counts, count }: HistogramValue): Generator<[string, number]> {
  let below = 0;
  for (const [index, bound] of bounds.entries()) yield [`${bound}`, below += counts[index]!];
  yield ["+Inf", count];
}
