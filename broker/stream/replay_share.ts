/** The share of a turn that all replays together may take. */
import type { BrokerContext } from "../base/context.ts";

/**
 * Units of work between two reads of the clock, which cost 0.4 µs each. A unit is about 1 µs, and
 * 20 µs as long as its code is not compiled: then the clock is read more often.
 */
const UNITS_PER_LOOK = 16;
const UNITS_PER_LOOK_SLOW = 8;

/** Work is slow if it took longer than this between two reads of the clock, in milliseconds. */
const SLOW_MS = 0.2;

/**
 * The maximum number of waiting replays that continue in one turn. For more there would be no time.
 */
const RESUMED_MAX = 4;

/** Work that a replay has deferred to a later turn. */
type Job = () => void;

/** For so long after a publication there is live traffic, in milliseconds. */
const LIVE_MS = 10_000;

/**
 * A replay has work as long as it is behind. So all replays together use only a share of each turn,
 * one after the other. The rest is for live traffic.
 *
 * The broker sees what a client has sent only when the runtime polls its sockets, and each write
 * that ends in between begins a turn. So while there is live traffic, replays use one share from
 * one poll to the next.
 */
export class ReplayShare {
  readonly #context: BrokerContext;
  /** The replays that continue in the next turn. */
  #waiting: Job[] = [];
  /**
   * The time that was used in this turn, and the start of the work in progress, in milliseconds.
   */
  #usedMs = 0;
  #sinceMs = 0;
  #turn = -1;
  #units = 0;
  /** Units until the clock is read, and when it was read last. */
  #unitsPerLook = UNITS_PER_LOOK_SLOW;
  #lookedMs = 0;
  /** The number of received messages at the last look, and the time of the last change. */
  #received = 0;
  #liveMs = -Infinity;

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** Begins work. Returns false if the share of this turn is used up. */
  begin(): boolean {
    const { turns, clock } = this.#context;
    const turn = this.#isLive ? turns.polls : turns.number;
    if (this.#turn !== turn) {
      this.#turn = turn;
      this.#usedMs = 0;
    }
    if (this.#usedMs > 0 && this.#usedMs >= this.#maxMs) return false;
    this.#sinceMs = this.#lookedMs = clock.now();
    this.#units = 0;
    return true;
  }

  /** Counts completed work. Returns whether to stop and continue with {@linkcode later}. */
  spend(units: number): boolean {
    this.#units += units;
    if (this.#context.turns.spend(units)) return true;
    const maxMs = this.#maxMs;
    if (maxMs > 0 && this.#units < this.#unitsPerLook) return false;
    const now = this.#context.clock.now();
    this.#units = 0;
    this.#unitsPerLook = now - this.#lookedMs > SLOW_MS ? UNITS_PER_LOOK_SLOW : UNITS_PER_LOOK;
    this.#lookedMs = now;
    return this.#usedMs + now - this.#sinceMs >= maxMs;
  }

  /** Ends work, or interrupts it. */
  end(): void {
    this.#usedMs += this.#context.clock.now() - this.#sinceMs;
  }

  /** Calls `job` in a later turn, after those that wait already. */
  later(job: Job): void {
    this.#context.stats.limited["replay-turn"]++;
    if (this.#waiting.push(job) === 1) this.#await();
  }

  #await(): void {
    const { turns } = this.#context;
    if (this.#isLive) turns.afterPoll(this.#resume);
    else turns.later(this.#resume);
  }

  readonly #resume = () => {
    const jobs = this.#waiting.splice(0, RESUMED_MAX);
    if (this.#waiting.length > 0) this.#await();
    for (const job of jobs) job();
  };

  /** Whether a client has published a short time ago. */
  get #isLive(): boolean {
    const { stats: { messagesReceived }, clock } = this.#context;
    const now = clock.now();
    if (messagesReceived !== this.#received) this.#liveMs = now;
    this.#received = messagesReceived;
    return now - this.#liveMs < LIVE_MS;
  }

  get #maxMs(): number {
    const { turnMsMax, replayTurnPercent } = this.#context.limits;
    return turnMsMax * replayTurnPercent / 100;
  }
}
