/** Detects an overloaded event loop, during which new clients are refused. */
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";

/** The interval of the checks, in milliseconds. */
const CHECK_MS = 250;
/** How many checks in a row must be late before the broker is busy: once may be chance. */
const LATE_CHECKS = 2;
/** How many checks must be in time before it is no longer busy. */
const CALM_CHECKS = 4;

/**
 * Detects an overloaded event loop by the delay of a timer. While it is overloaded, new connections
 * are refused, so that connected clients are still served.
 *
 * It checks only while connections arrive or checks are late, because an idle broker must sleep. A
 * connection that arrives later starts the checks again.
 */
export class EventLoopMonitor {
  /** Whether new connections should be refused. */
  isBusy = false;
  readonly #context: BrokerContext;
  readonly #checkDeadline: Deadline = new Deadline(() => this.#check());
  #inRow = 0;
  /** Whether a connection has arrived since the last check. */
  #hasNews = false;

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** A connection has arrived. */
  start(): void {
    this.#hasNews = true;
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
    if (this.isBusy || this.#inRow > 0 || this.#hasNews) this.#next();
    this.#hasNews = false;
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
