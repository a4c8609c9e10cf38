import { Receipt } from "../../log/receipt.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** The maximum wait for a subscriber that makes no progress, in milliseconds; it may change. */
export interface StallLimit {
  readonly stallMs: number;
}

/**
 * Whether publishers should wait for a slow subscriber. They wait for a busy one. One that makes no
 * progress for the stall time does not slow anyone down.
 */
export class Backpressure {
  /** Whether there was no progress for the stall time. */
  isStalled = false;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #limits: StallLimit;
  #progressMs: number;
  #room: Receipt | null = null;
  #check: Deadline | null = null;

  constructor(clock: Clock, scheduler: Scheduler, limits: StallLimit) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#progressMs = clock.now();
  }

  /** Whether a publisher waits. */
  get isAwaited(): boolean {
    return this.#room !== null;
  }

  /** A receipt that closes when there is room, or when waiting no longer helps. */
  room(): Receipt {
    if (this.isStalled) return Receipt.closed();
    if (this.#room === null) {
      this.#check ??= new Deadline(() => this.#checkProgress());
      this.#scheduler.set(this.#check, this.#clock.now() + this.#limits.stallMs);
      this.#room = new Receipt();
    }
    return this.#room;
  }

  /** The subscriber has received bytes, or has nothing left to receive. */
  progress(): void {
    this.#progressMs = this.#clock.now();
    this.isStalled = false;
  }

  /** Ends all waits. */
  clear(): void {
    if (this.#room === null) return;
    this.#room.close();
    this.#room = null;
    this.#scheduler.clear(this.#check!);
  }

  #checkProgress(): void {
    const dueMs = this.#progressMs + this.#limits.stallMs;
    if (this.#clock.now() < dueMs) {
      this.#scheduler.set(this.#check!, dueMs);
      return;
    }
    this.isStalled = true;
    this.clear();
  }
}
