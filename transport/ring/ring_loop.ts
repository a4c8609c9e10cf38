/** The event loop of all rings of a thread. It runs within the event loop of the runtime. */
import { type Clock, soon, systemClock } from "../clock.ts";
import { WORD_BYTES } from "./shared_copy.ts";

/** The size of the buffer that all rings of a thread are read into, in bytes. */
const READ_BYTES = 64 * 1024;
/** After how long the runtime gets a turn, in milliseconds. */
const ROUND_MS_MAX = 2;
/** How many more rounds follow one in which nothing has come, before the loop parks. */
const QUIET_ROUNDS = 2;
/** The longest timer of the runtime, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** A side of a ring, as its loop knows it. */
export interface Polled {
  /** Handles a part of what has come. Returns whether there was anything. */
  poll(): boolean;
  /**
   * Tells the other side what to wake it for. Then it calls {@linkcode RingLoop.onRung} when that
   * has come.
   *
   * @returns False if it has come already: the loop must not park.
   */
  park(): boolean;
  /** Tells the other side that it need not be woken. */
  unpark(): void;
}

/**
 * Polls the rings of a thread while bytes come, a round in each turn of the runtime. So a ring in
 * use needs no waking. After some rounds in which nothing has come, all rings are parked, and the
 * other side of each wakes the loop.
 *
 * It keeps the process alive while there is a ring: a wait for shared memory alone does not.
 */
export class RingLoop {
  readonly #clock: Clock;
  readonly #reportError: (error: unknown) => void;
  /** The buffer that all rings are read into, once for each offset within a word. */
  #buffers: Uint8Array<ArrayBuffer>[] = [];
  #members: Polled[] = [];
  /** The index of the next member of this round. */
  #next = 0;
  #isFound = false;
  #quietRounds = 0;
  #state: "stopped" | "running" | "parked" = "stopped";
  #cancelTimer: (() => void) | null = null;

  /** @param reportError Called with errors of handlers, which should not throw. */
  constructor(clock: Clock, reportError: (error: unknown) => void) {
    this.#clock = clock;
    this.#reportError = reportError;
  }

  /** How many rings it polls. */
  get size(): number {
    return this.#members.length;
  }

  /** The buffer to read into. Its content belongs to the ring that has read it until it has handled it. */
  buffer(offset: number): Uint8Array<ArrayBuffer> {
    if (this.#buffers.length === 0) {
      const whole = new Uint8Array(READ_BYTES + WORD_BYTES);
      for (let i = 0; i < WORD_BYTES; i++) this.#buffers.push(whole.subarray(i, i + READ_BYTES));
    }
    return this.#buffers[offset]!;
  }

  /** Polls a ring from now on. */
  add(member: Polled): void {
    this.#members.push(member);
    if (this.#members.length === 1) this.#keepAlive();
    this.start();
  }

  /** Polls a ring no more. */
  remove(member: Polled): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members = this.#members.toSpliced(index, 1);
    if (index < this.#next) this.#next--;
    if (this.#members.length > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#state === "parked") this.#state = "stopped";
  }

  /** Polls soon, because a ring of this thread wants something else than before. */
  start(): void {
    if (this.#state === "running") {
      this.#quietRounds = 0;
      return;
    }
    this.#run();
    soon(this.#clock, this.#step);
  }

  /** The other side of a ring has woken it. Must not be called within a call of a receiver. */
  onRung(): void {
    if (this.#state !== "parked") return;
    this.#run();
    this.#step();
  }

  #run(): void {
    if (this.#state === "parked") { for (const member of this.#members) member.unpark(); }
    this.#state = "running";
    this.#quietRounds = 0;
  }

  readonly #step = () => {
    if (this.#members.length === 0) {
      this.#state = "stopped";
      return;
    }
    if (!this.#poll()) return soon(this.#clock, this.#step);
    this.#next = 0;
    this.#quietRounds = this.#isFound ? 0 : this.#quietRounds + 1;
    this.#isFound = false;
    if (this.#quietRounds <= QUIET_ROUNDS || !this.#park()) soon(this.#clock, this.#step);
  };

  /** Polls the rings of this round. Returns false if there was no time for all of them. */
  #poll(): boolean {
    const startMs = this.#clock.now();
    while (this.#next < this.#members.length) {
      try {
        if (!this.#members[this.#next++]!.poll()) continue;
      } catch (error) {
        this.#reportError(error);
      }
      this.#isFound = true;
      if (this.#next < this.#members.length && this.#clock.now() - startMs >= ROUND_MS_MAX) {
        return false;
      }
    }
    return true;
  }

  /** Parks all rings, unless something has come for one of them. */
  #park(): boolean {
    this.#state = "parked";
    for (const member of this.#members) {
      if (member.park()) continue;
      this.#run();
      return false;
    }
    return true;
  }

  #keepAlive(): void {
    const again = () => {
      this.#cancelTimer = this.#clock.schedule(this.#clock.now() + TIMER_MS_MAX, again);
    };
    again();
  }
}

let ofThread: RingLoop | null = null;

/** The loop of this thread, on the clock of the system. */
export function threadRingLoop(): RingLoop {
  return ofThread ??= new RingLoop(systemClock, reportError);
}
