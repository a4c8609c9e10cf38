/** All deadlines of the broker, on one timer. */
import type { Clock } from "./clock.ts";
import type { TurnBudget } from "./turn_budget.ts";

/** The cost of a deadline that is due, in units of the budget. */
const UNITS_PER_DEADLINE = 8;

/** What is due at a point in time. */
export interface Due {
  /** Its index in the heap; -1 if it is not set. Only the scheduler changes it. */
  index: number;
  /** When it is due, in milliseconds of the clock. */
  atMs: number;
  /** Called at that time. */
  due(): void;
}

/** A callback for a point in time. */
export class Deadline implements Due {
  /** Its index in the heap; -1 if it is not set. */
  index = -1;
  /** When it is due, in milliseconds of the clock. */
  atMs = 0;

  /** @param due Called at that time. */
  constructor(readonly due: () => void) {}
}

/**
 * All deadlines of the broker on one timer: a heap, so that ten thousand connections with a Keep
 * Alive cost nothing until one of them is due.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #heap: Due[] = [];
  #cancel: (() => void) | null = null;
  #armedMs = Infinity;
  #stopped = false;
  readonly #turns: TurnBudget | null;

  /**
   * @param onError Called with the error of a deadline. The others still run.
   * @param turns The work budget. Without it, all due deadlines run in one turn.
   */
  constructor(
    clock: Clock,
    onError: (error: unknown) => void = reportError,
    turns: TurnBudget | null = null,
  ) {
    this.#clock = clock;
    this.#turns = turns;
    this.#onError = onError;
  }

  /** The number of set deadlines. */
  get size(): number {
    return this.#heap.length;
  }

  /** Sets a deadline, or changes its time. */
  set(deadline: Due, atMs: number): void {
    if (this.#stopped) return;
    deadline.atMs = atMs;
    if (deadline.index < 0) deadline.index = this.#heap.push(deadline) - 1;
    this.#down(deadline, this.#up(deadline));
    this.#arm();
  }

  /** Clears a deadline, if it is set. */
  clear(deadline: Due): void {
    if (deadline.index < 0) return;
    const last = this.#heap.pop()!;
    const { index } = deadline;
    deadline.index = -1;
    if (last === deadline) return;
    this.#heap[index] = last;
    last.index = index;
    this.#down(last, this.#up(last));
  }

  /** Clears all deadlines. No more can be set. */
  stop(): void {
    this.#stopped = true;
    for (const deadline of this.#heap) deadline.index = -1;
    this.#heap.length = 0;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || this.#stopped) return;
    // A timer that fires too early finds nothing due and is set again, so only an earlier deadline
    // needs another timer.
    if (this.#cancel !== null && first.atMs >= this.#armedMs) return;
    this.#cancel?.();
    this.#armedMs = first.atMs;
    this.#cancel = this.#clock.schedule(first.atMs, this.#run);
  }

  readonly #run = () => {
    this.#cancel = null;
    const now = this.#clock.now();
    this.#turns?.begin(now);
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= now;) {
      this.clear(first);
      try {
        first.due();
      } catch (error) {
        this.#onError(error);
      }
      first = this.#heap[0];
      if (this.#turns?.spend(UNITS_PER_DEADLINE) && first !== undefined && first.atMs <= now) {
        return this.#goOnLater();
      }
    }
    this.#arm();
  };

  /** The remaining due deadlines run in another turn. */
  #goOnLater(): void {
    let isTaken = false;
    // A deadline that has run may have set another one.
    this.#cancel?.();
    this.#armedMs = -Infinity;
    this.#cancel = () => isTaken = true;
    this.#turns!.later(() => {
      if (!isTaken) this.#run();
    });
  }

  #up(deadline: Due): number {
    const heap = this.#heap;
    let index = deadline.index;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.atMs <= deadline.atMs) break;
      heap[index] = parent;
      parent.index = index;
      index = (index - 1) >> 1;
    }
    heap[index] = deadline;
    return deadline.index = index;
  }

  #down(deadline: Due, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      const below = heap[child]!;
      if (below.atMs >= deadline.atMs) break;
      heap[index] = below;
      below.index = index;
      index = child;
    }
    heap[index] = deadline;
    deadline.index = index;
  }
}
