/** All rings of a thread: they are polled together and parked together. */
import { WORD_BYTES } from "./shared_copy.ts";

/** The size of the buffer that all rings of a thread are read into, in bytes. */
const READ_BYTES = 64 * 1024;
/** After how long a round stops, in milliseconds, so that other work gets a turn. */
const ROUND_MS_MAX = 2;

/** A side of a ring, as its thread polls it. */
export interface Polled {
  /** Handles a part of what has come. Returns whether there was anything. */
  poll(): boolean;
  /**
   * Tells the other side what to wake it for. When that has come, {@linkcode RingSet.onRung} is
   * called.
   *
   * @returns False if it has come already: the thread must not park.
   */
  park(): boolean;
  /** Tells the other side that it need not wake this one. */
  unpark(): void;
}

/** The event loop that polls a set. */
export interface RingDriver {
  /** Monotonic milliseconds. */
  now(): number;
  /** The set has its first ring, or it has lost its last one. */
  onSize(): void;
  /** A ring of a parked set wants something else than before: it is polled soon, not at once. */
  onWanted(): void;
  /** A ring of a parked set was woken. */
  onRung(): void;
}

/** The rings of a thread. */
export class RingSet {
  readonly #driver: RingDriver;
  readonly #reportError: (error: unknown) => void;
  /** The buffer that all rings are read into, once for each offset within a word. */
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  #members: readonly Polled[] = [];
  /** The index of the next member of this round. */
  #next = 0;
  #isParked = false;

  /**
   * @param driver What polls the set.
   * @param reportError Called with errors of receivers, which should not throw.
   */
  constructor(driver: RingDriver, reportError: (error: unknown) => void) {
    this.#driver = driver;
    this.#reportError = reportError;
  }

  /** How many rings it has. */
  get size(): number {
    return this.#members.length;
  }

  /** Whether a round has stopped before its last ring. */
  get isMidway(): boolean {
    return this.#next > 0;
  }

  /**
   * The buffer to read into. Its content belongs to the ring that has read it, until its receiver
   * has handled it.
   *
   * @param offset The offset within a word at which it begins.
   */
  buffer(offset: number): Uint8Array<ArrayBuffer> {
    if (this.#buffers.length === 0) {
      const whole = new Uint8Array(READ_BYTES + WORD_BYTES);
      for (let i = 0; i < WORD_BYTES; i++) this.#buffers.push(whole.subarray(i, i + READ_BYTES));
    }
    return this.#buffers[offset]!;
  }

  /** Polls a ring from now on. */
  add(member: Polled): void {
    this.#members = [...this.#members, member];
    if (this.size === 1) this.#driver.onSize();
    this.onWanted();
  }

  /** Polls a ring no more. */
  remove(member: Polled): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members = this.#members.toSpliced(index, 1);
    if (index < this.#next) this.#next--;
    if (this.size === 0) this.#driver.onSize();
  }

  /** A ring wants something else than before. It is not polled within this call. */
  onWanted(): void {
    if (this.#isParked) this.#driver.onWanted();
  }

  /** A ring was woken. Must not be called within a call of a receiver. */
  onRung(): void {
    if (this.#isParked) this.#driver.onRung();
  }

  /**
   * Polls the rings that this round has not polled yet, as many as there is time for.
   *
   * @returns Whether anything has come.
   */
  poll(): boolean {
    const driver = this.#driver;
    const startMs = driver.now();
    let isFound = false;
    while (this.#next < this.size) {
      const member = this.#members[this.#next++]!;
      try {
        if (!member.poll()) continue;
      } catch (error) {
        this.#reportError(error);
      }
      isFound = true;
      if (this.#next < this.size && driver.now() - startMs >= ROUND_MS_MAX) return true;
    }
    this.#next = 0;
    return isFound;
  }

  /**
   * Parks all rings.
   *
   * @returns False if something has come for one of them: none is parked then.
   */
  park(): boolean {
    this.#isParked = true;
    for (const member of this.#members) {
      if (member.park()) continue;
      this.unpark();
      return false;
    }
    return true;
  }

  /** Ends the state that {@linkcode park} has begun. */
  unpark(): void {
    if (!this.#isParked) return;
    this.#isParked = false;
    for (const member of this.#members) member.unpark();
  }
}
