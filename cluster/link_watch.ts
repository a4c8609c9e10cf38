/** Finds out that the other side of a link does not answer any more. */
import type { Clock } from "../transport/clock.ts";
import { FrameKind, FrameWriter } from "./frames.ts";
import type { FrameSource } from "./peer_part.ts";

/** A link ends when nothing has come in so many of these times in a row. */
export const SILENT_TIMES_MAX = 4;

/** The control pipe, as it is watched. */
export interface WatchedChannel {
  /** Whether nothing is read now, because a frame is being handled here. */
  readonly isHandling: boolean;
  /** There is a frame to send. */
  wake(): void;
}

/**
 * Says again and again that this side is there, and ends the link when nothing comes from the other
 * one. A pipe in memory or to another machine may stay open although nobody reads it.
 *
 * It counts times, and does not compare clocks: when this side itself has stood still, the time that
 * has passed is one, and what has come meanwhile is read before the next.
 */
export class LinkWatch implements FrameSource {
  readonly #clock: Clock;
  readonly #aliveMs: number;
  readonly #channel: WatchedChannel;
  readonly #onSilent: () => void;
  #cancel: () => void;
  #isDue = false;
  #hasHeard = false;
  #silentTimes = 0;

  /**
   * @param aliveMs How often this side says that it is there, in milliseconds.
   * @param onSilent Called once.
   */
  constructor(clock: Clock, aliveMs: number, channel: WatchedChannel, onSilent: () => void) {
    this.#clock = clock;
    this.#aliveMs = aliveMs;
    this.#channel = channel;
    this.#onSilent = onSilent;
    this.#cancel = this.#schedule();
  }

  /** Bytes have come. */
  onHeard(): void {
    this.#hasHeard = true;
  }

  next(): Uint8Array | null {
    if (!this.#isDue) return null;
    this.#isDue = false;
    return new FrameWriter(FrameKind.alive).take();
  }

  /** The link has ended. */
  end(): void {
    this.#cancel();
  }

  #schedule(): () => void {
    return this.#clock.schedule(this.#clock.now() + this.#aliveMs, () => this.#check());
  }

  #check(): void {
    if (this.#hasHeard || this.#channel.isHandling) this.#silentTimes = 0;
    else if (++this.#silentTimes >= SILENT_TIMES_MAX) return this.#onSilent();
    this.#hasHeard = false;
    this.#isDue = true;
    this.#channel.wake();
    this.#cancel = this.#schedule();
  }
}
