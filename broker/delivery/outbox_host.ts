/** What an outbox needs of the broker and of its connection. */
import type { BufferPool } from "../../log/buffer_pool.ts";
import type { Receipt } from "../../log/receipt.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Scheduler } from "../base/scheduler.ts";
import type { Flushable } from "./flush_queue.ts";

/** An outbox, as the broker sees it. */
export interface HostedOutbox extends Flushable {
  /** Stops writing. */
  abort(): void;
}

/** The broker, as an outbox needs it. */
export interface OutboxHost {
  readonly limits: BrokerLimits;
  readonly scheduler: Scheduler;
  readonly pool: BufferPool;
  readonly clock: Clock;
  /**
   * Schedules `flush`: at the end of this turn, or, for an outbox that a shared log has woken with
   * many others, in a turn of the crowd.
   */
  flushLater(outbox: HostedOutbox, isWoken: boolean): void;
  /** The maximum lag of a subscriber, in bytes, after `appended` more bytes. */
  lagMax(appended: number): number;
  /** Slows down the current publisher until the receipt closes. */
  needRoom(room: Receipt): void;
  /** Counts messages that are passed to the network. */
  countSent(frames: number, bytes: number): void;
  /** A write has begun that was not over at once. */
  onWriteStart(): void;
  /** Counts frames that a lagging subscriber has lost. */
  countLagged(frames: number): void;
  /** Reports an internal error. */
  reportError(error: unknown): void;
}

/** The connection, as its outbox needs it. */
export interface OutboxOwner {
  /** There is room: encode waiting messages. */
  pump(): void;
  /** A write of `bytes` bytes has completed. */
  onSent(bytes: number): void;
  /**
   * No more writes: everything was written after `finish`, the outbox was aborted, or the transport
   * has failed with `error`.
   */
  onOutboxEnded(isComplete: boolean, error: unknown): void;
}
