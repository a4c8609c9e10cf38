/** The measurements that run while the admin listener is open. */
import type { Broker } from "../../broker/broker.ts";
import { LoadAverages } from "../load_average.ts";
import { SessionTotals } from "../metrics/session_totals.ts";
import type { Instrument } from "../metrics/instrument.ts";
import { instrumentsOf } from "../metrics/instruments.ts";
import { LoopLag } from "../metrics/loop_lag.ts";
import { type ProcessUse, processUse } from "../metrics/process.ts";
import { addCounts, clientsMostOf, type SysCounts, sysCountsOf } from "../sys_counts.ts";
import { sysValues, totalsOf } from "../sys_values.ts";
import type { TimeSlices } from "../time_slices.ts";
import type { Operations } from "./operations.ts";

/** The interval at which the averages of load are updated, in milliseconds. */
const LOAD_MS = 10_000;

/** The measurements of an open admin listener. */
export class MetricsSource {
  readonly slices: TimeSlices;
  readonly totals: SessionTotals;
  readonly instruments: readonly Instrument[];
  /** Answers of the listener by status; set by the listener. */
  answered: ReadonlyMap<number, number> = new Map();
  /** Lines that the live view has skipped, `null` where there is none; set by the API. */
  skippedLines: () => number | null = () => null;
  /** How late the event loop is. */
  readonly lag: LoopLag;
  readonly #broker: Broker;
  readonly #operations: Operations;
  readonly #loads: LoadAverages;
  readonly #sinceMs: number;
  #process: ProcessUse | null = null;
  #heapMost = 0;
  #cancel: () => void = () => {};

  constructor(broker: Broker, operations: Operations, slices: TimeSlices) {
    const { inspection, clock } = broker;
    this.#broker = broker;
    this.#operations = operations;
    this.slices = slices;
    this.totals = new SessionTotals(inspection, slices);
    this.lag = new LoopLag(clock);
    this.#sinceMs = clock.now();
    this.#loads = new LoadAverages(clock.now());
    this.#loads.begin(Object.keys(totalsOf(this.#counts)));
    this.instruments = instrumentsOf({
      broker,
      version: operations.version ?? "0.0.0",
      sinceMs: this.#sinceMs,
      lag: this.lag,
      counted: () => this.totals.last,
      clientsMost: () => clientsMostOf(broker, operations.others?.() ?? null),
      process: () => this.#process,
      certificates: () => operations.certificates?.() ?? [],
      bridges: () => operations.bridges?.() ?? [],
      accounts: () => operations.accounts?.() ?? null,
      answered: () => this.answered,
      skippedLines: () => this.skippedLines(),
    });
    this.#next();
  }

  /** Updates the values that need a walk. */
  async refresh(): Promise<void> {
    await this.totals.take();
    this.#process = await processUse();
    this.#heapMost = Math.max(this.#heapMost, this.#process.heapUsedBytes);
  }

  /** Seconds since the listener was opened. */
  get uptimeSeconds(): number {
    return Math.floor((this.#broker.clock.now() - this.#sinceMs) / 1000);
  }

  /** The values of mosquitto below `$SYS/broker/`, including averages of load and `uptime`. */
  sysValues(): Record<string, number> {
    return { ...this.sysCounts(), ...this.#loads.values(), uptime: this.uptimeSeconds };
  }

  /** The same without the averages. */
  sysCounts(): Record<string, number> {
    return sysValues(this.#counts, this.#heapMost);
  }

  /** Stops the measurements. */
  stop(): void {
    this.lag.stop();
    this.#cancel();
  }

  /** The state of the broker, and of others that are one with it. */
  get #counts(): SysCounts {
    const own = sysCountsOf(this.#broker, this.totals.last);
    const others = this.#operations.others?.() ?? null;
    return others === null ? own : addCounts(own, others);
  }

  #next(): void {
    const { clock } = this.#broker;
    this.#cancel = clock.schedule(clock.now() + LOAD_MS, () => {
      this.#loads.take(totalsOf(this.#counts), clock.now());
      this.#next();
    });
  }
}
