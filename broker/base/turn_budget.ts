import { afterPoll, type Clock, IMMEDIATES_PER_POLL, soon } from "./clock.ts";

/**
 * Units of work between two looks at the clock, which cost 0.1 µs each. A unit is about 1 µs, and
 * 20 µs as long as the code is not compiled.
 */
const UNITS_PER_LOOK = 16;
/** How many of those that have time are called at once, of one event. */
const PATIENT_AT_ONCE = 16;
/** Of a turn, what one job gets while others wait. */
const SHARE = 1 / 4;

/**
 * How much work may be done before the runtime is made to ask the system for news of its sockets.
 * Between turns it looks at those it knows to be ready, and asks by itself now and then; to make it
 * ask after each turn would cost a wide fan-out a tenth of its speed (measured).
 */
const POLL_MS_MAX = 12;

/** After so many of its steps the runtime has asked by itself; an immediate is one. */
const STEPS_PER_POLL = IMMEDIATES_PER_POLL;

/** A piece of work that stops when the budget says so, and then has itself called again. */
export type Job = () => void;

/** What bounds a turn. */
export interface TurnLimits {
  /** Milliseconds of work in a turn. */
  readonly turnMsMax: number;
}

/**
 * How much work is done between two looks of the runtime at its sockets: that is a turn. Everything
 * whose length a peer decides on (the packets of one read, the filters of one SUBSCRIBE, the
 * deadlines that are due) counts what it does, stops when the turn is over, and goes on in a later
 * one. So whatever one client does, others are read in between.
 *
 * What waits is queued in two rows. Jobs that are short come first, so that a client that sends
 * little does not wait for all who send much. Each turn also takes at least one of the long ones, so
 * that none starves.
 *
 * Each connection has two jobs at most in the rows, one for its packets and one for the retained
 * messages that it is sent, and needs no bound but that on connections.
 */
export class TurnBudget {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #failed: (error: unknown) => void;
  #short: Job[] = [];
  #long: Job[] = [];
  readonly #waiting = new Set<() => void>();
  /** Work of this turn that is counted ahead. */
  #aheadMs = 0;
  /** Whether something is under way, and since when. */
  #isUnderWay = false;
  #sinceMs = 0;
  /** When the share of the job that runs is over. */
  #shareEndMs = Infinity;
  #units = 0;
  #isSpent = false;
  /** Work since the runtime has certainly asked for news, and its steps since then. */
  #unpolledMs = 0;
  #steps = 0;
  #awaitedMs = 0;
  #endedMs = 0;
  /** How many that have time were called of this event, and whether others wait. */
  #patient = 0;
  #mustPoll = false;
  /** Whether the next turn is waited for. */
  #isAwaited = false;

  /** @param failed Told of what a job has thrown. */
  constructor(clock: Clock, limits: TurnLimits, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#failed = failed;
  }

  /** Whether the turn is over: what can wait waits for the next. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Whether what has begun at `startMs` of the clock takes longer by now than a turn may. */
  isLong(startMs: number): boolean {
    return this.#clock.now() - startMs >= this.#limits.turnMsMax;
  }

  /** How many jobs wait. */
  get size(): number {
    return this.#short.length + this.#long.length;
  }

  /**
   * Work begins; it lasts until no promise is left that can settle.
   *
   * @param nowMs The time, if it is known already.
   */
  begin(nowMs: number = this.#clock.now()): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#sinceMs = nowMs;
    // What this work has flushed at the end of the microtasks belongs to it.
    queueMicrotask(this.#beforeEnd);
  }

  /** Counts work in the midst of which nobody can stop: {@linkcode spend} takes it into account. */
  count(units: number): void {
    this.#units += units;
  }

  /**
   * Counts work that was done.
   *
   * @param units About one for each microsecond.
   * @returns Whether to stop here and go on by {@linkcode later}.
   */
  spend(units: number): boolean {
    this.#units += units;
    return this.#units >= UNITS_PER_LOOK || this.#limits.turnMsMax === 0 ? this.#look() : false;
  }

  /**
   * Has a job called in the next turn that has time for it.
   *
   * @param isShort Whether it comes before those that are not, because it takes little time.
   */
  later(job: Job, isShort = false): void {
    if (isShort) this.#short.push(job);
    else this.#long.push(job);
    this.#await();
  }

  /**
   * Has a job called that has time: a few at once, more of them after the runtime has polled its
   * sockets. Thousands of connections may end together, and the runtime hands that over 128 at a
   * time: what others have sent meanwhile is behind, and must not wait for what each end costs.
   */
  whenever(job: Job): void {
    if (!this.#isSpent && ++this.#patient <= PATIENT_AT_ONCE) return job();
    this.#mustPoll = true;
    this.later(job);
  }

  /** Resolves when it is the turn of whoever asks. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.later(() => {
        this.#waiting.delete(resolve);
        resolve();
        // What it does comes when this turn's jobs are over, and is counted ahead.
        this.#aheadMs += this.#limits.turnMsMax * SHARE;
        if (this.#aheadMs >= this.#limits.turnMsMax) this.#end();
      });
    });
  }

  /**
   * Does work step by step.
   *
   * @param step Does a part, and tells how many units it has cost; 0 when nothing was left to do.
   * @returns Resolves when all is done, and rejects with what a step throws; `null` if it is done
   * by now.
   */
  inTurns(step: () => number): PromiseLike<void> | null {
    if (this.#runSteps(step)) return null;
    return new Promise((resolve, reject) => {
      const job = () => {
        try {
          if (this.#runSteps(step)) resolve();
          else this.later(job);
        } catch (error) {
          reject(error);
        }
      };
      this.later(job);
    });
  }

  /** Forgets the jobs that wait; whoever waits for {@linkcode next} does so no longer. */
  clear(): void {
    this.#short = [];
    this.#long = [];
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Returns false when it has to stop before the last step. */
  #runSteps(step: () => number): boolean {
    for (let units = step(); units > 0; units = step()) if (this.spend(units)) return false;
    return true;
  }

  #look(): boolean {
    this.#units = 0;
    if (this.#isSpent) return true;
    const now = this.#clock.now();
    this.begin(now);
    if (this.#aheadMs + now - this.#sinceMs >= this.#limits.turnMsMax) this.#end();
    return this.#isSpent || now >= this.#shareEndMs;
  }

  readonly #beforeEnd = () => queueMicrotask(this.#atEnd);

  readonly #atEnd = () => {
    this.#isUnderWay = false;
    this.#patient = 0;
    this.#endedMs = this.#clock.now();
    this.#unpolledMs += this.#endedMs - this.#sinceMs;
    this.#aheadMs = 0;
    this.#step(1);
    // Short pieces of work need no end of the turn between them, but the news.
    if (this.#unpolledMs >= POLL_MS_MAX && !this.#isSpent) this.#end();
  };

  #end(): void {
    this.#isSpent = true;
    this.#await();
  }

  #await(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#awaitedMs = this.#clock.now();
    if (this.#unpolledMs < POLL_MS_MAX && !this.#mustPoll) return soon(this.#clock, this.#turn);
    this.#steps = STEPS_PER_POLL;
    afterPoll(this.#clock, this.#turn);
  }

  /** The runtime had its turn, as {@linkcode soon} has it. */
  stepped(): void {
    this.#step(1);
  }

  #step(steps: number): void {
    this.#steps += steps;
    if (this.#steps >= STEPS_PER_POLL) this.#unpolledMs = this.#steps = 0;
  }

  readonly #turn = () => {
    this.#isAwaited = this.#isSpent = false;
    this.#sinceMs = this.#clock.now();
    // The runtime has not rested meanwhile.
    this.#unpolledMs += this.#sinceMs - Math.max(this.#awaitedMs, this.#endedMs);
    this.#aheadMs = this.#units = 0;
    this.stepped();
    if (this.size === 0) return;
    this.begin(this.#sinceMs);
    // Those that are stopped in this turn wait for another.
    const short = this.#short;
    this.#short = [];
    const ran = this.#run(short);
    if (ran < short.length) this.#short = [...short.slice(ran), ...this.#short];
    const long = this.#long;
    this.#long = [];
    const gone = this.#run(long, 1);
    if (gone < long.length) this.#long = [...long.slice(gone), ...this.#long];
    if (this.#long.length === 0) this.#mustPoll = false;
    this.#shareEndMs = Infinity;
    if (this.size > 0) this.#await();
  };

  /** Calls jobs until the turn is over, but so many of them at least. Returns how many it called. */
  #run(jobs: readonly Job[], countMin = 0): number {
    const { turnMsMax } = this.#limits;
    let count = 0;
    for (const job of jobs) {
      if (count >= countMin && this.#isSpent) break;
      count++;
      this.#shareEndMs = jobs.length > 1 ? this.#clock.now() + turnMsMax * SHARE : Infinity;
      try {
        job();
      } catch (error) {
        this.#failed(error);
      }
    }
    return count;
  }
}
