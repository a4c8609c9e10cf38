/** The event loop of the rings of a thread. It runs within the event loop of the runtime. */
import { type Clock, soon, systemClock } from "../clock.ts";
import { type RingDriver, RingSet } from "./ring_set.ts";

/**
 * How long the loop goes on polling when nothing comes, before it parks: in milliseconds, and in
 * rounds. Each round is a turn of the runtime, which costs 1 to 3 µs. To be woken costs both threads
 * 10 to 60 µs together, and takes 20 to 30 µs: two threads that answer each other stay awake.
 *
 * Waiting by an eventfd in the epoll set of the native sockets costs more than waiting for shared
 * memory, because that wait is in yet another thread (measured, one message each ms: 2.7 times).
 */
const QUIET_MS_MAX = 0.04;
const QUIET_ROUNDS_MAX = 32;
/**
 * After this many times in a row in which nothing came in this time, the loop waits so only one
 * time in {@linkcode PARKS_PER_TRY}, and otherwise parks at once.
 */
const CREDIT_MAX = 8;
const PARKS_PER_TRY = 16;
/** The longest timer of the runtime, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Polls the rings of a thread while bytes come, a round in each turn of the runtime. So a ring in
 * use needs no waking. After some rounds in which nothing has come, all rings are parked, and the
 * other side of each wakes the loop.
 *
 * It keeps the process alive while there is a ring: a wait for shared memory alone does not.
 */
export class RingLoop implements RingDriver {
  readonly rings: RingSet;
  readonly #clock: Clock;
  /** The number of rounds in a row in which nothing has come. */
  #quietRounds = 0;
  /** When the first of them was. */
  #quietSinceMs = 0;
  #credit = CREDIT_MAX;
  #parks = 0;
  #isRunning = false;
  #cancelTimer: (() => void) | null = null;

  /** @param reportError Called with errors of receivers, which should not throw. */
  constructor(clock: Clock, reportError: (error: unknown) => void) {
    this.#clock = clock;
    this.rings = new RingSet(this, reportError);
  }

  now(): number {
    return this.#clock.now();
  }

  onSize(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.rings.size === 0) return;
    this.#keepAlive();
    this.onWanted();
  }

  onWanted(): void {
    if (this.#isRunning) return;
    this.#run();
    soon(this.#clock, this.#step);
  }

  onRung(): void {
    if (this.#isRunning) return;
    this.#run();
    this.#step();
  }

  #run(): void {
    this.rings.unpark();
    this.#isRunning = true;
    this.#quietRounds = 0;
  }

  readonly #step = () => {
    const { rings } = this;
    const isFound = rings.poll();
    if (rings.size === 0 || (!rings.isMidway && this.#mayPark(isFound) && rings.park())) {
      this.#isRunning = false;
    } else soon(this.#clock, this.#step);
  };

  /** Whether to park after this round. */
  #mayPark(isFound: boolean): boolean {
    if (isFound) {
      if (this.#quietRounds > 0) this.#credit = CREDIT_MAX;
      this.#quietRounds = 0;
      return this.#credit === 0 && ++this.#parks % PARKS_PER_TRY > 0;
    }
    const now = this.#clock.now();
    if (this.#quietRounds++ === 0) this.#quietSinceMs = now;
    const isOver = now - this.#quietSinceMs >= QUIET_MS_MAX;
    if (!isOver && this.#quietRounds < QUIET_ROUNDS_MAX) return false;
    this.#quietRounds = 0;
    if (this.#credit > 0) this.#credit--;
    return true;
  }

  #keepAlive(): void {
    const atMs = this.#clock.now() + TIMER_MS_MAX;
    this.#cancelTimer = this.#clock.schedule(atMs, () => this.#keepAlive());
  }
}

let ofThread: RingLoop | null = null;

/** The rings of this thread, polled on the clock of the system. */
export function threadRings(): RingSet {
  return (ofThread ??= new RingLoop(systemClock, reportError)).rings;
}
