import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { LruTable } from "./lru_table.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The record of a client identifier whose session was taken over. */
interface Record {
  /** Has a token for each take-over without consequence. */
  readonly allowance: TokenBucket;
  /** Whether a client waits. */
  isHeld: boolean;
}

/**
 * Detects two clients with the same client identifier that disconnect each other repeatedly: the
 * new client has to wait, and the connected one stays meanwhile.
 */
export class TakeoverLimiter {
  readonly #context: BrokerContext;
  #records: LruTable<Record> | null = null;
  readonly #made = new LimitSnapshot("takeOversMax", "takeOverForgetMs", "flappingClientsMax");

  constructor(context: BrokerContext) {
    this.#context = context;
    this.applyLimits();
  }

  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void {
    const context = this.#context;
    if (!this.#made.take(context.limits)) return;
    const { takeOversMax, takeOverForgetMs, flappingClientsMax } = context.limits;
    this.#records = takeOversMax === 0
      ? null
      : new LruTable(flappingClientsMax, RECORD_BYTES, () => ({
        allowance: new TokenBucket(
          1000 / Math.max(1, takeOverForgetMs),
          takeOversMax,
          context.clock.now(),
        ),
        isHeld: false,
      }));
  }

  /** What is remembered of client identifiers costs so much in memory, in bytes. */
  get bytes(): number {
    return this.#records?.bytes ?? 0;
  }

  /** Has it cost so many bytes at most. */
  limitBytes(bytesMax: number): void {
    this.#records?.limitBytes(bytesMax);
  }

  /**
   * Counts a take-over of a connected client's session.
   *
   * @returns A promise to wait for first; `null` for none; `"refused"` if another client already
   * waits.
   */
  takesOver(clientId: string, address: string): PromiseLike<void> | "refused" | null {
    const record = this.#records?.get(clientId);
    if (record === undefined) return null;
    if (!record.isHeld && record.allowance.take(this.#context.clock.now())) return null;
    this.#context.limited("take-overs", address, clientId);
    return record.isHeld ? "refused" : this.#hold(record);
  }

  #hold(record: Record): Receipt {
    const { scheduler, clock, limits } = this.#context;
    const over = new Receipt();
    record.isHeld = true;
    const due = new Deadline(() => {
      record.isHeld = false;
      over.close();
    });
    scheduler.set(due, clock.now() + limits.takeOverDelayMs);
    return over;
  }
}
