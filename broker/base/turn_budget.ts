/** Divides the work of the broker into turns, so that no client delays the others. */
import { Arrivals } from "./arrivals.ts";
import { afterPoll, type Clock, soon } from "./clock.ts";
import { PollMeter } from "./poll_meter.ts";

/**
 * Units of work between two reads of the clock, which cost 0.4 µs each. A unit is about 1 µs, and
 * 20 µs as long as its code is not compiled: then the clock is read more often.
 */
const UNITS_PER_LOOK = 64;
const UNITS_PER_LOOK_SLOW = 16;

/** Work is slow if it took longer than this between two reads of the clock, in milliseconds. */
const SLOW_MS = 0.2;
/** The maximum number of patient jobs that are called for one event. */
const PATIENT_AT_ONCE = 16;
/** The share of a turn for one job while others wait. */
const SHARE = 1 / 4;

/** A piece of work. It stops when the budget is spent, and then schedules itself again. */
export type Job = () => void;

/** What bounds a turn. */
export interface TurnLimits {
  /** The maximum duration of a turn, in milliseconds. */
  readonly turnMsMax: number;
}

/**
 * The work between two polls of the sockets is a turn. All work whose length a peer decides (the
 * packets of one read, the filters of one SUBSCRIBE, the deadlines that are due) counts its cost,
 * stops when the turn is over, and continues in a later one. So other clients are read in between,
 * whatever one client does.
 *
 * Waiting jobs are in two queues. Short jobs come first, so that a client that sends little does not
 * wait for all clients that send much. Each turn also runs at least one long job, so that none
 * starves. Only while many sockets are ready, long jobs wait for some turns: see
 * {@linkcode Arrivals}.
 *
 * Each connection has at most two jobs in the queues, one for its packets and one for its retained
 * messages. So the limit of connections also limits the queues.
 */
export class TurnBudget {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #onError: (error: unknown) => void;
  #short: Job[] = [];
  #long: Job[] = [];
  readonly #waiting = new Set<() => void>();
  /** Work of this turn that was counted in advance. */
  #aheadMs = 0;
  /** Whether a turn is in progress, and its start. */
  #isUnderWay = false;
  #number = 0;
  #sinceMs = 0;
  /** The end of the running job's share. */
  #shareEndMs = Infinity;
  #units = 0;
  /** Units until the clock is read, and when it was read last. */
  #unitsPerLook = UNITS_PER_LOOK_SLOW;
  #lookedMs = 0;
  #isSpent = false;
  /** The number of patient jobs that were called for this event, and whether others wait. */
  #patient = 0;
  #mustPoll = false;
  readonly #arrivals = new Arrivals();
  readonly #poll = new PollMeter(() => this.#arrivals.onPolled());
  /** Whether the next turn is scheduled. */
  #isAwaited = false;

  /** @param onError Called with the error of a job. */
  constructor(clock: Clock, limits: TurnLimits, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onError = onError;
  }

  /** Changes with each turn. */
  get number(): number {
    return this.#number;
  }

  /** Changes each time that the runtime has certainly polled its sockets. */
  get polls(): number {
    return this.#poll.polls;
  }

  /** Whether the turn is over, so that all work that can wait must wait. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Whether many sockets are ready, so that everything but short jobs has to wait for turns. */
  get isDraining(): boolean {
    return this.#arrivals.areMany;
  }

  /** Whether work that began at `startMs` of the clock takes longer than a turn may. */
  isLong(startMs: number): boolean {
    return this.#clock.now() - startMs >= this.#limits.turnMsMax;
  }

  /** The number of waiting jobs. */
  get size(): number {
    return this.#short.length + this.#long.length;
  }

  /**
   * Starts a turn. It lasts until no more promises can settle.
   *
   * @param nowMs The time, if already known.
   * @returns When it has started, which is now or a little while ago.
   */
  begin(nowMs?: number): number {
    if (this.#isUnderWay) return this.#sinceMs;
    this.#isUnderWay = true;
    this.#number++;
    this.#sinceMs = nowMs ?? this.#clock.now();
    // Flushes at the end of the microtasks belong to this turn.
    queueMicrotask(this.#beforeEnd);
    return this.#sinceMs;
  }

  /** Starts a turn as {@linkcode begin} does, because something has arrived at a socket. */
  arrive(): number {
    this.#arrivals.count();
    return this.begin();
  }

  /** Counts work that cannot stop in the middle. {@linkcode spend} takes it into account. */
  count(units: number): void {
    this.#units += units;
  }

  /**
   * Counts completed work.
   *
   * @param units About one per microsecond.
   * @returns Whether to stop here and continue with {@linkcode later}.
   */
  spend(units: number): boolean {
    this.#units += units;
    // Another call may have spent the turn, which cannot stop where it is counted.
    const mustLook = this.#units >= this.#unitsPerLook || this.#limits.turnMsMax === 0;
    return mustLook ? this.#look() : this.#isSpent;
  }

  /**
   * Calls a job in the next turn that has time for it.
   *
   * @param isShort Whether it runs before the jobs that are not, because it takes little time.
   */
  later(job: Job, isShort = false): void {
    if (isShort) this.#short.push(job);
    else this.#long.push(job);
    this.#await();
  }

  /**
   * Calls a patient job: a few at once, more of them after the runtime has polled its sockets.
   * Thousands of connections may end together. Data of other clients comes after them, and must not
   * wait for the cost of each end.
   */
  whenever(job: Job): void {
    if (!this.#isSpent && !this.#mustPoll && ++this.#patient <= PATIENT_AT_ONCE) return job();
    this.#mustPoll = true;
    this.later(job);
  }

  /**
   * Calls a job in a later turn, and has the runtime poll its sockets first, if that is possible:
   * {@linkcode polls} tells.
   */
  afterPoll(job: Job): void {
    this.#mustPoll = true;
    this.later(job);
  }

  /** Resolves when the caller may go on. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.later(() => {
        this.#waiting.delete(resolve);
        resolve();
        // The caller goes on after the jobs of this turn. So its work is counted in advance.
        this.#aheadMs += this.#limits.turnMsMax * SHARE;
        if (this.#aheadMs >= this.#limits.turnMsMax) this.#end();
      });
    });
  }

  /**
   * Does work step by step.
   *
   * @param step Does a part of the work, and returns its cost in units; 0 when nothing was left to
   * do.
   * @returns Resolves when all is done, and rejects with the error of a step; `null` if it is
   * already done.
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

  /** Removes all waiting jobs, and releases everyone who waits for {@linkcode next}. */
  clear(): void {
    this.#short = [];
    this.#long = [];
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Returns false if it has to stop before the last step. */
  #runSteps(step: () => number): boolean {
    for (let units = step(); units > 0; units = step()) if (this.spend(units)) return false;
    return true;
  }

  #look(): boolean {
    this.#units = 0;
    if (this.#isSpent) return true;
    const now = this.#clock.now();
    this.#unitsPerLook = now - this.#lookedMs > SLOW_MS ? UNITS_PER_LOOK_SLOW : UNITS_PER_LOOK;
    this.#lookedMs = now;
    this.begin(now);
    if (this.#aheadMs + now - this.#sinceMs >= this.#limits.turnMsMax) this.#end();
    return this.#isSpent || now >= this.#shareEndMs;
  }

  readonly #beforeEnd = () => queueMicrotask(this.#atEnd);

  readonly #atEnd = () => {
    this.#isUnderWay = false;
    this.#patient = 0;
    const now = this.#clock.now();
    this.#arrivals.onEventOver(now);
    this.#poll.onWorked(this.#sinceMs, now);
    this.#aheadMs = 0;
    this.#poll.onStepped();
    // Short pieces of work may share a turn, but not beyond the poll interval.
    if (this.#poll.isOverdue && !this.#isSpent) this.#end();
  };

  #end(): void {
    this.#isSpent = true;
    this.#await();
  }

  #await(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#poll.onWaiting(this.#clock.now());
    const mustPoll = this.#poll.isOverdue || this.#mustPoll || this.isDraining;
    if (!mustPoll) return soon(this.#clock, this.#turnAfterStep);
    afterPoll(this.#clock, this.#turnAfterPoll);
  }

  /** The runtime has made a step, as scheduled by {@linkcode soon}. */
  onStepped(): void {
    this.#poll.onStepped();
  }

  readonly #turnAfterStep = () => this.#turn(false);

  readonly #turnAfterPoll = () => this.#turn(true);

  #turn(hasPolled: boolean): void {
    this.#isAwaited = false;
    this.#sinceMs = this.#clock.now();
    this.#poll.onReturned(this.#sinceMs);
    this.#aheadMs = this.#units = 0;
    if (hasPolled) this.#poll.onPolled();
    else this.#poll.onStepped();
    // Other work was done since the turn was scheduled.
    if (this.#poll.isOverdue && this.size > 0) return this.#await();
    this.#isSpent = false;
    if (this.size === 0) return;
    this.begin(this.#sinceMs);
    // Jobs that stop in this turn wait for another.
    const short = this.#short;
    this.#short = [];
    const ran = this.#run(short);
    if (ran < short.length) this.#short = [...short.slice(ran), ...this.#short];
    if (this.#arrivals.mayOthers(this.#sinceMs)) this.#runLong();
    this.#shareEndMs = Infinity;
    if (this.size > 0) this.#await();
  }

  #runLong(): void {
    const long = this.#long;
    this.#long = [];
    const called = this.#run(long, 1);
    if (called < long.length) this.#long = [...long.slice(called), ...this.#long];
    if (this.#long.length === 0) this.#mustPoll = false;
    this.#arrivals.onOthersDone(this.#clock.now());
  }

  /** Calls jobs until the turn is over, but at least `countMin`. Returns the number of calls. */
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
        this.#onError(error);
      }
    }
    return count;
  }
}
