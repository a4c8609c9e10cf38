import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";

/** How often the event loop is looked at, in milliseconds. */
const LOOK_MS = 250;
/** How many looks in a row must be late before the broker calls itself busy: once is an accident. */
const LATE_LOOKS = 2;
/** How many must be in time before it no longer does. */
const CALM_LOOKS = 4;

/** For how many looks it goes on when nobody has come, and all is calm. */
const IDLE_LOOKS = 20;

/**
 * Notices when the event loop has more to do than it can: what was due then comes late. While that
 * lasts, newcomers are refused, so that those who are in do not suffer.
 *
 * It looks only while newcomers come, and for some seconds after the last: an idle broker sleeps.
 */
export class EventLoopMonitor {
  /** Whether the broker has no time for newcomers. */
  isBusy = false;
  readonly #context: BrokerContext;
  readonly #look: Deadline = new Deadline(() => this.#looked());
  #inRow = 0;
  #idleLooks = 0;

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** Somebody wants to come in. */
  start(): void {
    this.#idleLooks = 0;
    if (this.#context.limits.loopLagMs > 0 && this.#look.index < 0) this.#next();
  }

  /** Goes by limits that have changed: without one the broker is never busy. */
  applyLimits(): void {
    if (this.#context.limits.loopLagMs > 0) return;
    this.#context.scheduler.clear(this.#look);
    this.#inRow = 0;
    if (!this.isBusy) return;
    this.isBusy = false;
    this.#context.guard(() => this.#context.hooks.busy?.(false, 0));
  }

  #next(): void {
    const { scheduler, clock } = this.#context;
    scheduler.set(this.#look, clock.now() + LOOK_MS);
  }

  #looked(): void {
    const { clock, limits } = this.#context;
    this.#note(clock.now() - this.#look.atMs, limits.loopLagMs);
    if (this.isBusy || this.#idleLooks++ < IDLE_LOOKS) this.#next();
    else this.#inRow = 0;
  }

  /** Looks at once come back late, and are calm well below the limit: it must not go to and fro. */
  #note(lagMs: number, maxMs: number): void {
    this.#context.stats.loopLagMs = lagMs;
    const isSame = this.isBusy ? lagMs < maxMs / 2 : lagMs > maxMs;
    this.#inRow = isSame ? this.#inRow + 1 : 0;
    if (this.#inRow < (this.isBusy ? CALM_LOOKS : LATE_LOOKS)) return;
    this.#inRow = 0;
    this.isBusy = !this.isBusy;
    this.#context.guard(() => this.#context.hooks.busy?.(this.isBusy, lagMs));
  }
}
