/** What slows down password guessing. */
import type { BrokerContext } from "../base/context.ts";
import type { LoginFailure } from "../base/hooks.ts";

/** Limits the failed logins of addresses. */
export interface LoginGuard {
  /** The memory of the records, in bytes. */
  readonly bytes: number;
  /** Limits the memory of the records, in bytes. */
  limitBytes(bytesMax: number): void;
  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void;
  /** Whether a login from an address is checked. */
  mayTry(address: string): boolean;
  /**
   * Counts a failed login.
   *
   * @returns A promise to wait for before the answer, or `null`.
   */
  countFailure(failure: LoginFailure): PromiseLike<void> | null;
}

/** Counts a failed login in the statistics, and calls the hook. */
export function reportFailure(context: BrokerContext, failure: LoginFailure): void {
  context.stats.loginsFailed++;
  context.guard(() => context.hooks.loginFailed?.(failure));
}
