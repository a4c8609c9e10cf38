/** Delays the answers to failed logins, so that guessing passwords is slow. */
import { ReasonCode } from "../../codec/mod.ts";
import type { BrokerContext } from "../base/context.ts";
import type { LoginFailure } from "../base/hooks.ts";
import { addressKey } from "./address_prefix.ts";
import { AllowanceTable } from "./allowance_table.ts";
import { type LoginGuard, reportFailure } from "./login_guard.ts";

/**
 * Slows down password guessing. After too many failures the answer to a failed login is delayed.
 * While too many answers are delayed, further logins from that address are refused without a check
 * of the password. So an address can try only a limited number of passwords per time.
 *
 * Successful logins are not delayed by the failures of others.
 */
export class LoginLimiter implements LoginGuard {
  readonly #context: BrokerContext;
  readonly #addresses: AllowanceTable;

  constructor(context: BrokerContext) {
    this.#context = context;
    this.#addresses = new AllowanceTable(context, {
      max: "loginFailuresMax",
      forgetMs: "loginForgetMs",
      namesMax: "addressesMax",
      delayMs: "loginDelayMs",
    });
  }

  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void {
    this.#addresses.applyLimits();
  }

  /** The memory of the records, in bytes. */
  get bytes(): number {
    return this.#addresses.bytes;
  }

  /** Limits the memory of the records, in bytes. */
  limitBytes(bytesMax: number): void {
    this.#addresses.limitBytes(bytesMax);
  }

  /** Whether a login from an address is checked. */
  mayTry(address: string): boolean {
    const key = this.#keyOf(address);
    const record = key === null ? undefined : this.#addresses.peek(key);
    if (record === undefined || record.delayed < this.#context.limits.loginsDelayedMax) return true;
    this.#context.reportLimit("logins", address, null);
    return false;
  }

  /**
   * Counts a failed login.
   *
   * @returns A promise to wait for before the answer, or `null`.
   */
  countFailure(failure: LoginFailure): PromiseLike<void> | null {
    const context = this.#context;
    reportFailure(context, failure);
    const key = this.#keyOf(failure.address);
    const record = key === null ? undefined : this.#addresses.get(key);
    if (record === undefined || this.#addresses.take(record)) return null;
    context.reportLimit("logins", failure.address, failure.clientId);
    return this.#addresses.delay(record);
  }

  #keyOf(address: string): string | null {
    return this.#addresses.isLimited ? addressKey(address) : null;
  }
}

/** Whether a Reason Code means that the credentials were wrong or the client is not authorized. */
export function isLoginFailure(reasonCode: number): boolean {
  return reasonCode === ReasonCode.BadUserNameOrPassword ||
    reasonCode === ReasonCode.NotAuthorized || reasonCode === ReasonCode.Banned;
}
