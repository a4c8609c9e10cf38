/** Counts repeated acts by name, and delays those beyond an allowance. */
import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { LruTable } from "./lru_table.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The record of a name: how often it may do something without consequence. */
export interface Allowance {
  /** Has a token for each time without consequence. */
  readonly tokens: TokenBucket;
  /** The number of delays in progress. */
  delayed: number;
}

/** The limits of an {@linkcode AllowanceTable}, by their names. */
export interface AllowanceLimits {
  /** How often without consequence; 0: no limit. */
  readonly max: keyof BrokerLimits;
  /** The time after which one time is forgotten, in milliseconds. */
  readonly forgetMs: keyof BrokerLimits;
  /** The maximum number of names. */
  readonly namesMax: keyof BrokerLimits;
  /** The delay beyond the limit, in milliseconds. */
  readonly delayMs: keyof BrokerLimits;
}

/**
 * Counts how often names that peers have chosen do something that is harmless now and then, and
 * delays what goes beyond the limit. It keeps the most recently used names.
 */
export class AllowanceTable {
  readonly #context: BrokerContext;
  readonly #names: AllowanceLimits;
  readonly #made: LimitSnapshot;
  #records: LruTable<Allowance> | null = null;
  #bytesMax = Infinity;

  constructor(context: BrokerContext, names: AllowanceLimits) {
    this.#context = context;
    this.#names = names;
    this.#made = new LimitSnapshot(names.max, names.forgetMs, names.namesMax);
    this.applyLimits();
  }

  /** Whether there is a limit. */
  get isLimited(): boolean {
    return this.#records !== null;
  }

  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void {
    const { limits, clock } = this.#context;
    if (!this.#made.take(limits)) return;
    const max = limits[this.#names.max];
    const perSecond = 1000 / Math.max(1, limits[this.#names.forgetMs]);
    const make = () => ({ tokens: new TokenBucket(perSecond, max, clock.now()), delayed: 0 });
    this.#records = max === 0
      ? null
      : new LruTable(limits[this.#names.namesMax], RECORD_BYTES, make);
    this.#records?.limitBytes(this.#bytesMax);
  }

  /** The memory of the records, in bytes. */
  get bytes(): number {
    return this.#records?.bytes ?? 0;
  }

  /** Limits the memory of the records, in bytes. Records beyond the limit are dropped at once. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#records?.limitBytes(bytesMax);
  }

  /** The record of a name, if any; this does not count as use. */
  peek(name: string): Allowance | undefined {
    return this.#records?.peek(name);
  }

  /** The record of a name, created if there is none; `undefined` without a limit. */
  get(name: string): Allowance | undefined {
    return this.#records?.get(name);
  }

  /** Counts one time. Returns false if it is beyond the limit. */
  take(record: Allowance): boolean {
    return record.tokens.take(this.#context.clock.now());
  }

  /** Starts a delay; the receipt closes at its end. */
  delay(record: Allowance): Receipt {
    const { scheduler, clock, limits } = this.#context;
    const over = new Receipt();
    record.delayed++;
    const due = new Deadline(() => {
      record.delayed--;
      over.close();
    });
    scheduler.set(due, clock.now() + limits[this.#names.delayMs]);
    return over;
  }
}
