/** Detects an overloaded event loop, during which new clients are refused. */
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";

/** The interval of the checks, in milliseconds. */
const CHECK_MS = 250;
/** How many checks in a row must be late before the broker is busy: once may be chance. */
const LATE_CHECKS = 2;
/** How many checks must be in time before it is no longer busy. */
const CALM_CHECKS = 4;

/** How many checks follow the last new connection, if all are in time. */
const IDLE_CHECKS = 20;

/**
 * Detects an overloaded event loop by the delay of a timer. While it is overloaded, new connections
 * are refused, so that connected clients are still served.
 *
 * It checks only while connections arrive, and for some seconds after the last: an idle broker
 * sleeps.
 */
export class EventLoopMonitor {
  /** Whether new connections should be refused. */
  isBusy = false;
  readonly #context: BrokerContext;
  readonly #checkDeadline: Deadline = new Deadline(() => this.#check());
  #inRow = 0;
  #idleChecks = 0;

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** A connection has arrived. */
  start(): void {
    this.#idleChecks = 0;
    if (this.#context.limits.loopLagMs > 0 && this.#checkDeadline.index < 0) this.#next();
  }

  /** Applies changed limits. Without a limit the broker is never busy. */
  applyLimits(): void {
    if (this.#context.limits.loopLagMs > 0) return;
    this.#context.scheduler.clear(this.#checkDeadline);
    this.#inRow = 0;
    if (!this.isBusy) return;
    this.isBusy = false;
    this.#context.guard(() => this.#context.hooks.busy?.(false, 0));
  }

  #next(): void {
    const { scheduler, clock } = this.#context;
    scheduler.set(this.#checkDeadline, clock.now() + CHECK_MS);
  }

  #check(): void {
    const { clock, limits } = this.#context;
    this.#note(clock.now() - this.#checkDeadline.atMs, limits.loopLagMs);
    if (this.isBusy || this.#idleChecks++ < IDLE_CHECKS) this.#next();
    else this.#inRow = 0;
  }

  /**
   * The threshold for "in time" is well below that for "late", so that the state does not
   * oscillate.
   */
  #note(lagMs: number, maxMs: number): void {
    this.#context.stats.loopLagMs = lagMs;
    const isSame = this.isBusy ? lagMs < maxMs / 2 : lagMs > maxMs;
    this.#inRow = isSame ? this.#inRow + 1 : 0;
    if (this.#inRow < (this.isBusy ? CALM_CHECKS : LATE_CHECKS)) return;
    this.#inRow = 0;
    this.isBusy = !this.isBusy;
    this.#context.guard(() => this.#context.hooks.busy?.(this.isBusy, lagMs));
  }
}
