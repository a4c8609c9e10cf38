/** When publishers wait for a slow subscriber, and when they go on. */
import { Receipt } from "../../log/receipt.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** Publishers wait from this share of `backlogMessagesMax` on: before messages are dropped. */
const HIGH_MESSAGES_SHARE = 1 / 2;
/** They go on at this share of where they have to wait, or of `backlogMessagesMax`. */
const LOW_SHARE = 1 / 4;

/** How much may wait for a subscriber, and how long somebody waits for one that takes nothing. */
export type PressureLimits = Pick<
  BrokerLimits,
  "highWaterBytes" | "backlogMessagesMax" | "stallMs"
>;

/** What backpressure needs of the broker. */
export interface BackpressureHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** They may change. */
  readonly limits: PressureLimits;
}

/** Whether so much waits for a subscriber that publishers should wait. */
export function isHigh(limits: PressureLimits, bytes: number, messages = 0): boolean {
  return bytes > limits.highWaterBytes ||
    messages > limits.backlogMessagesMax * HIGH_MESSAGES_SHARE;
}

/**
 * Has publishers wait for a subscriber that is busy, from {@linkcode isHigh} on until much less
 * waits. One that makes no progress for the stall time lags alone.
 */
export class Backpressure {
  /** Whether there was no progress for the stall time. */
  isStalled = false;
  readonly #host: BackpressureHost;
  /** Tells publishers to wait. */
  readonly #needRoom: (room: Receipt) => void;
  #progressMs: number;
  #room: Receipt | null = null;
  #check: Deadline | null = null;

  /** @param publishers Told to wait, with what they wait for. */
  constructor(host: BackpressureHost, publishers: { needRoom(room: Receipt): void }) {
    this.#host = host;
    this.#needRoom = (room) => publishers.needRoom(room);
    this.#progressMs = host.clock.now();
  }

  /** Whether a publisher waits. */
  get isAwaited(): boolean {
    return this.#room !== null;
  }

  /** Makes the current publisher wait, unless that would not help. */
  slowDown(): void {
    if (this.isStalled) return;
    if (this.#room === null) {
      const { scheduler, clock, limits } = this.#host;
      this.#check ??= new Deadline(() => this.#onDue());
      scheduler.set(this.#check, clock.now() + limits.stallMs);
      this.#room = new Receipt();
    }
    this.#needRoom(this.#room);
  }

  /** Lets publishers go on if little waits. */
  clearIfLow(bytes: number, messages = 0): void {
    const { highWaterBytes, backlogMessagesMax } = this.#host.limits;
    if (bytes > highWaterBytes * LOW_SHARE || messages > backlogMessagesMax * LOW_SHARE) return;
    this.clear();
  }

  /** The subscriber has received bytes, or has nothing left to receive. */
  progress(): void {
    this.#progressMs = this.#host.clock.now();
    this.isStalled = false;
  }

  /** Lets publishers go on. */
  clear(): void {
    if (this.#room === null) return;
    this.#room.close();
    this.#room = null;
    this.#host.scheduler.clear(this.#check!);
  }

  #onDue(): void {
    const dueMs = this.#progressMs + this.#host.limits.stallMs;
    if (this.#host.clock.now() < dueMs) {
      this.#host.scheduler.set(this.#check!, dueMs);
      return;
    }
    this.isStalled = true;
    this.clear();
  }
}
