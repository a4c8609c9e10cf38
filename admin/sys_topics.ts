/** Publishes the state of the broker below `$SYS/broker/`. */
import type { Broker } from "../broker/broker.ts";
import { LoadAverages } from "./load_average.ts";
import { addCounts, type SysCounts, sysCountsOf } from "./sys_counts.ts";
import { SessionTotals } from "./metrics/session_totals.ts";
import { sysValues, totalsOf } from "./sys_values.ts";
import { TimeSlices } from "./time_slices.ts";

/** The default interval at which `$SYS` is updated, in seconds. */
const INTERVAL_SECONDS = 10;

/** Settings of {@linkcode SysTopics}. */
export interface SysTopicsOptions {
  /** The interval between updates, in seconds; 10 by default. */
  intervalSeconds?: number;
  /** When the broker started, in milliseconds of its clock; now by default. */
  sinceMs?: number;
  /** The text of `$SYS/broker/version`. */
  version: string;
  /**
   * The state of other brokers that are one with this one for clients; `null`, the default, for
   * none.
   *
   * @internal
   */
  others?: () => SysCounts | null;
  /**
   * The state of the streams of such a broker; none by default.
   *
   * @internal
   */
  otherStreams?: () => SysStreams;
}

/** The state of streams: values by what follows `$SYS/broker/streams/`, such as `day/first`. */
export type SysStreams = Readonly<Record<string, number>>;

/**
 * Publishes the state of a broker below `$SYS/broker/`, in the topics that mosquitto uses. Each is
 * a retained message of text, which is published again only when it has changed.
 *
 * @example
 * ```ts
 * import { Broker, SysTopics } from "@fairway/mqtt";
 *
 * await using broker = new Broker();
 * const state = new SysTopics(broker, { version: "my program 1.0" });
 * state.stop();
 * ```
 */
export class SysTopics {
  readonly #broker: Broker;
  readonly #intervalMs: number;
  readonly #startMs: number;
  readonly #loads: LoadAverages;
  readonly #slices: TimeSlices;
  readonly #totals: SessionTotals;
  readonly #others: () => SysCounts | null;
  readonly #otherStreams: () => SysStreams;
  /** The last text of each topic. */
  readonly #said = new Map<string, string>();
  #heapMost = 0;
  #cancel: (() => void) | null = null;

  /**
   * Publishes at once, and then at each interval.
   *
   * @throws {RangeError} If the interval is not a number above 0.
   */
  constructor(broker: Broker, options: SysTopicsOptions) {
    const { intervalSeconds = INTERVAL_SECONDS, version } = options;
    if (!(intervalSeconds > 0 && Number.isFinite(intervalSeconds))) {
      throw new RangeError(`Cannot publish every ${intervalSeconds} seconds: not above 0`);
    }
    this.#broker = broker;
    this.#intervalMs = intervalSeconds * 1000;
    const { inspection, clock } = broker;
    const now = clock.now();
    this.#startMs = options.sinceMs ?? now;
    this.#loads = new LoadAverages(now);
    this.#slices = new TimeSlices(inspection);
    this.#totals = new SessionTotals(inspection, this.#slices);
    this.#others = options.others ?? (() => null);
    this.#otherStreams = options.otherStreams ?? (() => ({}));
    // All averages exist from the start.
    this.#loads.begin(Object.keys(totalsOf(this.own)));
    this.#say("version", version);
    this.#schedule();
    this.#tell(this.#counts);
  }

  /**
   * The state of this broker alone.
   *
   * @internal
   */
  get own(): SysCounts {
    return sysCountsOf(this.#broker, this.#totals.last);
  }

  /**
   * The state of the streams of this broker alone.
   *
   * @internal
   */
  get ownStreams(): SysStreams {
    const values: Record<string, number> = {};
    for (const name of this.#broker.streams.declared) {
      const { first, last, messages, bytes } = this.#broker.stream(name)!;
      for (const [key, value] of Object.entries({ first, last, messages, bytes })) {
        values[`${name}/${key}`] = value;
      }
    }
    return values;
  }

  /** The state of this broker and of the others. */
  get #counts(): SysCounts {
    const others = this.#others();
    return others === null ? this.own : addCounts(this.own, others);
  }

  /** Stops publishing. Retained messages stay. Stopping again does nothing. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#slices.close();
  }

  #schedule(): void {
    const { clock } = this.#broker;
    this.#cancel = clock.schedule(clock.now() + this.#intervalMs, () => {
      this.#schedule();
      const counts = this.#counts;
      this.#loads.take(totalsOf(counts), clock.now());
      this.#tell(counts);
    });
  }

  /**
   * Publishes the known values at once, and values of sessions after they were counted, because
   * there may be a hundred thousand.
   */
  #tell(counts: SysCounts): void {
    const { clock } = this.#broker;
    this.#say("uptime", `${Math.floor((clock.now() - this.#startMs) / 1000)} seconds`);
    this.#tellValues(counts);
    this.#tellMemory(counts);
    this.#tellStreams();
    for (const [topic, value] of Object.entries(this.#loads.values())) {
      this.#say(topic, value.toFixed(2));
    }
    this.#count();
  }

  /** Publishes the state of streams, for clients that read them, also in 3.x. */
  #tellStreams(): void {
    const values = { ...this.ownStreams, ...this.#otherStreams() };
    for (const [key, value] of Object.entries(values)) this.#say(`streams/${key}`, value);
  }

  #tellValues(counts: SysCounts): void {
    const values = sysValues(counts, this.#heapMost);
    this.#heapMost = values["heap/maximum"]!;
    for (const [topic, value] of Object.entries(values)) this.#say(topic, value);
  }

  #tellMemory({ memoryBytes, memoryBytesMax, memoryRefused }: SysCounts): void {
    this.#say("memory/bytes", memoryBytes);
    this.#say("memory/limit", memoryBytesMax);
    this.#say("memory/refused", memoryRefused);
  }

  #count(): void {
    this.#totals.take().then(() => {
      if (this.#cancel !== null) this.#tellValues(this.#counts);
    }, (error) => this.#broker.inspection.reportError(error));
  }

  #say(topic: string, value: string | number): void {
    const payload = String(value);
    if (this.#said.get(topic) === payload) return;
    this.#said.set(topic, payload);
    const { inspection } = this.#broker;
    this.#broker.publish(`$SYS/broker/${topic}`, payload, { retain: true })
      .catch((error) => inspection.reportError(error));
  }
}
