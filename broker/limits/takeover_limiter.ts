import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { LruTable } from "./lru_table.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { TokenBucket } from "./token_bucket.ts";

/** What is known of a client identifier whose session was taken over. */
interface Record {
  /** Has a token for each take-over that is nothing special. */
  readonly allowance: TokenBucket;
  /** Whether somebody is held off. */
  isHeld: boolean;
}

/**
 * Notices two clients with the same client identifier, each of which throws the other out and comes
 * back at once, and holds them off: the one that comes waits, and meanwhile the one that is there
 * stays.
 */
export class TakeoverLimiter {
  readonly #context: BrokerContext;
  #records: LruTable<Record> | null = null;
  readonly #made = new LimitSnapshot("takeOversMax", "takeOverForgetMs", "flappingClientsMax");

  constructor(context: BrokerContext) {
    this.#context = context;
    this.applyLimits();
  }

  /** Goes by limits that have changed; what was counted for others is forgotten. */
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
   * A client takes over the session of one that is connected.
   *
   * @returns What has to be waited for first; `null` for nothing; `"refused"` if another waits
   * already.
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
