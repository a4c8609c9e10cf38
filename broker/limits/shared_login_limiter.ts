/** Delays the answers to failed logins, which all workers of a process count together. */
import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import type { LoginFailure } from "../base/hooks.ts";
import { Deadline } from "../base/scheduler.ts";
import { addressKey } from "./address_prefix.ts";
import { type LoginGuard, reportFailure } from "./login_guard.ts";
import { LoginLimiter } from "./login_limiter.ts";
import type { HeldCount, RateLimit } from "./shared_addresses.ts";
import type { SharedLimits } from "./shared_limits.ts";

/**
 * The limits of {@linkcode LoginLimiter}, for all workers of a process together: an address can have
 * its passwords checked by any of them, because it chooses the client identifiers. An address for
 * which the shared table has no room is limited by this worker alone.
 */
export class SharedLoginLimiter implements LoginGuard {
  readonly #context: BrokerContext;
  readonly #shared: SharedLimits;
  /** For addresses that are not in the table. */
  readonly #own: LoginLimiter;

  constructor(context: BrokerContext, shared: SharedLimits) {
    this.#context = context;
    this.#shared = shared;
    this.#own = new LoginLimiter(context);
  }

  get bytes(): number {
    return this.#own.bytes;
  }

  limitBytes(bytesMax: number): void {
    this.#own.limitBytes(bytesMax);
  }

  applyLimits(): void {
    this.#own.applyLimits();
  }

  mayTry(address: string): boolean {
    const { limits } = this.#context;
    const key = this.#keyOf(address);
    if (key === null) return true;
    const delayed = this.#shared.addresses.use(key, this.#now(), (record) => {
      return record.count("delayed");
    });
    if (delayed === null) return this.#own.mayTry(address);
    if (delayed < limits.loginsDelayedMax) return true;
    this.#context.reportLimit("logins", address, null);
    return false;
  }

  countFailure(failure: LoginFailure): PromiseLike<void> | null {
    const context = this.#context;
    const key = this.#keyOf(failure.address);
    const held = key === null
      ? "within"
      : this.#shared.addresses.use(key, this.#now(), (record) => {
        return record.take("failures", this.#allowance()) ? "within" : record.hold("delayed");
      });
    if (held === null) return this.#own.countFailure(failure);
    reportFailure(context, failure);
    if (held === "within") return null;
    context.reportLimit("logins", failure.address, failure.clientId);
    return this.#delay(held);
  }

  /** Starts a delay; the receipt closes at its end. */
  #delay(held: HeldCount): Receipt {
    const { scheduler, clock, limits } = this.#context;
    const over = new Receipt();
    const due = new Deadline(() => {
      this.#shared.addresses.giveBack(held);
      over.close();
    });
    scheduler.set(due, clock.now() + limits.loginDelayMs);
    return over;
  }

  #allowance(): RateLimit {
    const { loginFailuresMax, loginForgetMs } = this.#context.limits;
    return { perSecond: 1000 / Math.max(1, loginForgetMs), burst: loginFailuresMax };
  }

  /** The wall clock: the clocks of workers have begun at different times. */
  #now(): number {
    return this.#context.settings.wallClock();
  }

  #keyOf(address: string): string | null {
    return this.#context.limits.loginFailuresMax === 0 ? null : addressKey(address);
  }
}
