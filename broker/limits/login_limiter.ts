import { ReasonCode } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import { addressKey } from "./address_prefix.ts";
import type { BrokerContext } from "../base/context.ts";
import type { LoginFailure } from "../base/hooks.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { LruTable } from "./lru_table.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The record of an address with failed logins. */
interface Record {
  /** Has a token for each failure without consequence. */
  readonly allowance: TokenBucket;
  /** The number of delayed answers. */
  delayed: number;
}

/**
 * Slows down password guessing. After too many failures the answer to a failed login is delayed.
 * While too many answers are delayed, further logins from that address are refused without a check
 * of the password. So an address can try only a limited number of passwords per time.
 *
 * Successful logins are not delayed by the failures of others.
 */
export class LoginLimiter {
  readonly #context: BrokerContext;
  #records: LruTable<Record> | null = null;
  readonly #made = new LimitSnapshot("loginFailuresMax", "loginForgetMs", "addressesMax");

  constructor(context: BrokerContext) {
    this.#context = context;
    this.applyLimits();
  }

  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void {
    const context = this.#context;
    if (!this.#made.take(context.limits)) return;
    const { loginFailuresMax, loginForgetMs, addressesMax } = context.limits;
    this.#records = loginFailuresMax === 0
      ? null
      : new LruTable(addressesMax, RECORD_BYTES, () => ({
        allowance: new TokenBucket(
          1000 / Math.max(1, loginForgetMs),
          loginFailuresMax,
          context.clock.now(),
        ),
        delayed: 0,
      }));
  }

  /** What is remembered of addresses costs so much in memory, in bytes. */
  get bytes(): number {
    return this.#records?.bytes ?? 0;
  }

  /** Has it cost so many bytes at most. */
  limitBytes(bytesMax: number): void {
    this.#records?.limitBytes(bytesMax);
  }

  /** Whether a login from an address is checked. */
  mayTry(address: string): boolean {
    const key = this.#records === null ? null : addressKey(address);
    const record = key === null ? undefined : this.#records!.peek(key);
    if (record === undefined || record.delayed < this.#context.limits.loginsDelayedMax) return true;
    this.#context.limited("logins", address, null);
    return false;
  }

  /**
   * Counts a failed login.
   *
   * @returns A promise to wait for before the answer, or `null`.
   */
  failed(failure: LoginFailure): PromiseLike<void> | null {
    const context = this.#context;
    context.stats.loginsFailed++;
    context.guard(() => context.hooks.loginFailed?.(failure));
    const key = this.#records === null ? null : addressKey(failure.address);
    if (key === null) return null;
    const record = this.#records!.get(key);
    if (record.allowance.take(context.clock.now())) return null;
    context.limited("logins", failure.address, failure.clientId);
    return this.#delay(record);
  }

  #delay(record: Record): Receipt {
    const { scheduler, clock, limits } = this.#context;
    const over = new Receipt();
    record.delayed++;
    const due = new Deadline(() => {
      record.delayed--;
      over.close();
    });
    scheduler.set(due, clock.now() + limits.loginDelayMs);
    return over;
  }
}

/** Whether a Reason Code means that the credentials were wrong or the client is not authorized. */
export function isLoginFailure(reasonCode: number): boolean {
  return reasonCode === ReasonCode.BadUserNameOrPassword ||
    reasonCode === ReasonCode.NotAuthorized || reasonCode === ReasonCode.Banned;
}
