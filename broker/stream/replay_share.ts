/** The share of a turn that all replays together may take. */
import type { BrokerContext } from "../base/context.ts";

/** Units of work between two reads of the clock, which cost 0.4 µs each. A unit is about 1 µs. */
const UNITS_PER_LOOK = 64;

/** How many that have waited go on in one turn: more of them would find no time left. */
const RESUMED_MAX = 4;

/** Work that a replay has put off to a later turn. */
type Job = () => void;

/**
 * Replays have work for as long as they are behind, and live traffic has little at a time. So all
 * replays together take a share of each turn, one after the other, and leave the rest to it.
 */
export class ReplayShare {
  readonly #context: BrokerContext;
  /** Those that go on in the next turn. */
  #waiting: Job[] = [];
  /** What was used of this turn, and since when somebody is using it, in milliseconds. */
  #usedMs = 0;
  #sinceMs = 0;
  #turn = -1;
  #units = 0;

  constructor(context: BrokerContext) {
    this.#context = context;
  }

  /** Begins with work. Returns false if the share of this turn is used up. */
  begin(): boolean {
    const { turns, clock } = this.#context;
    if (this.#turn !== turns.number) {
      this.#turn = turns.number;
      this.#usedMs = 0;
    }
    if (this.#usedMs > 0 && this.#usedMs >= this.#maxMs) return false;
    this.#sinceMs = clock.now();
    this.#units = 0;
    return true;
  }

  /** Counts work that was done. Returns whether to stop, and to go on {@linkcode later}. */
  spend(units: number): boolean {
    this.#units += units;
    if (this.#context.turns.spend(units)) return true;
    const maxMs = this.#maxMs;
    if (maxMs > 0 && this.#units < UNITS_PER_LOOK) return false;
    this.#units = 0;
    return this.#usedMs + this.#context.clock.now() - this.#sinceMs >= maxMs;
  }

  /** Work has come to an end, or is put off. */
  end(): void {
    this.#usedMs += this.#context.clock.now() - this.#sinceMs;
  }

  /** Calls `job` in a later turn, after those that wait already. */
  later(job: Job): void {
    this.#context.stats.limited["replay-turn"]++;
    if (this.#waiting.push(job) === 1) this.#context.turns.later(this.#resume);
  }

  readonly #resume = () => {
    const jobs = this.#waiting.splice(0, RESUMED_MAX);
    if (this.#waiting.length > 0) this.#context.turns.later(this.#resume);
    for (const job of jobs) job();
  };

  get #maxMs(): number {
    const { turnMsMax, replayTurnPercent } = this.#context.limits;
    return turnMsMax * replayTurnPercent / 100;
  }
}
