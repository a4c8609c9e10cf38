/** Limits how fast one client may publish, by pausing its reads. */
import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Deadline } from "../base/scheduler.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Bytes of the smallest PUBLISH: a read can contain at most one per so many bytes. */
const PUBLISH_BYTES_MIN = 5;

/** The smallest read that is worth a system call, in bytes. */
const READ_BYTES_MIN = 128;
/**
 * The maximum pause after one large packet, in seconds: a disconnect is not noticed during the
 * pause.
 */
const DEBT_SECONDS_MAX = 10;

/**
 * Limits the rate at which one client may publish. Beyond it reading pauses, so that TCP flow
 * control slows the client down and nothing is lost.
 */
export class PublishRateLimiter {
  readonly #context: BrokerContext;
  readonly #publishesPerSecond: number;
  readonly #bytesPerSecond: number;
  readonly #messages: TokenBucket | null;
  readonly #bytes: TokenBucket | null;
  readonly #readBytesMax: number;
  #ready: Receipt | null = null;
  readonly #due = new Deadline(() => this.close());

  private constructor(context: BrokerContext, publishes: number, bytes: number) {
    const now = context.clock.now();
    this.#context = context;
    this.#publishesPerSecond = publishes;
    this.#bytesPerSecond = bytes;
    this.#messages = publishes > 0 ? new TokenBucket(publishes, publishes, now) : null;
    this.#bytes = bytes > 0 ? new TokenBucket(bytes, bytes, now) : null;
    const perSecond = Math.min(bytes || Infinity, publishes * PUBLISH_BYTES_MIN || Infinity);
    this.#readBytesMax = Math.max(READ_BYTES_MIN, Math.floor(perSecond));
  }

  /** The limiter of a new client, or `null` if there is no limit. */
  static of(context: BrokerContext): PublishRateLimiter | null {
    const { publishesPerSecondMax, publishBytesPerSecondMax } = context.limits;
    if (publishesPerSecondMax === 0 && publishBytesPerSecondMax === 0) return null;
    return new PublishRateLimiter(context, publishesPerSecondMax, publishBytesPerSecondMax);
  }

  /** Whether a limiter, or its absence, corresponds to the limits. */
  static isFor(pace: PublishRateLimiter | null, limits: Readonly<BrokerLimits>): boolean {
    const { publishesPerSecondMax: publishes, publishBytesPerSecondMax: bytes } = limits;
    if (pace === null) return publishes === 0 && bytes === 0;
    return pace.#publishesPerSecond === publishes && pace.#bytesPerSecond === bytes;
  }

  /**
   * The part of a buffer to read into: at most what is allowed in a second, because a disconnect is
   * not noticed during the pause.
   */
  bounded(target: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return target.length <= this.#readBytesMax ? target : target.subarray(0, this.#readBytesMax);
  }

  /** Whether one more message is allowed now. */
  get mayGoOn(): boolean {
    const now = this.#context.clock.now();
    return (this.#messages === null || this.#messages.tokens(now) >= 1) &&
      (this.#bytes === null || this.#bytes.tokens(now) >= 1);
  }

  /** Whether all messages that `bytes` can contain are allowed at once. */
  mayTakeAll(bytes: number): boolean {
    const now = this.#context.clock.now();
    return (this.#messages === null || this.#messages.tokens(now) >= bytes / PUBLISH_BYTES_MIN) &&
      (this.#bytes === null || this.#bytes.tokens(now) >= bytes);
  }

  /** Counts published messages and bytes. */
  spend(messages: number, bytes: number): void {
    const now = this.#context.clock.now();
    this.#messages?.spend(messages, now);
    if (this.#bytes === null) return;
    const debtMax = this.#bytesPerSecond * DEBT_SECONDS_MAX;
    this.#bytes.spend(Math.min(bytes, this.#bytes.tokens(now) + debtMax), now);
  }

  /** A promise to wait for before the next read, or `null`. */
  wait(): Promise<void> | null {
    if (this.mayGoOn) return null;
    const { clock, scheduler } = this.#context;
    const now = clock.now();
    this.#ready ??= new Receipt();
    const readyMs = Math.max(this.#messages?.readyMs(now) ?? now, this.#bytes?.readyMs(now) ?? now);
    scheduler.set(this.#due, readyMs);
    return this.#ready.wait();
  }

  /** Ends all waits. */
  close(): void {
    this.#context.scheduler.clear(this.#due);
    this.#ready?.close();
    this.#ready = null;
  }
}
