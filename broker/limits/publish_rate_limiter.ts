import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Deadline } from "../base/scheduler.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The fewest bytes a PUBLISH can have: so many of them a read may hold, and no more. */
const PUBLISH_BYTES_MIN = 5;

/** The fewest bytes of a read that are worth a kernel call. */
const READ_BYTES_MIN = 128;
/** How long one large packet holds a client up at most, in seconds: meanwhile nobody sees it go. */
const DEBT_SECONDS_MAX = 10;

/**
 * How fast one client may publish: past it nothing more of it is read for a while, so that it is
 * slowed down by its own socket and loses nothing.
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

  /** The pace of a new client, or `null` where clients may publish as fast as they can. */
  static of(context: BrokerContext): PublishRateLimiter | null {
    const { publishesPerSecondMax, publishBytesPerSecondMax } = context.limits;
    if (publishesPerSecondMax === 0 && publishBytesPerSecondMax === 0) return null;
    return new PublishRateLimiter(context, publishesPerSecondMax, publishBytesPerSecondMax);
  }

  /** Whether a pace, or none, is what limits say. */
  static isFor(pace: PublishRateLimiter | null, limits: Readonly<BrokerLimits>): boolean {
    const { publishesPerSecondMax: publishes, publishBytesPerSecondMax: bytes } = limits;
    if (pace === null) return publishes === 0 && bytes === 0;
    return pace.#publishesPerSecond === publishes && pace.#bytesPerSecond === bytes;
  }

  /** As much of a buffer as is to be read to: a second's worth, for meanwhile nobody sees it go. */
  bounded(target: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return target.length <= this.#readBytesMax ? target : target.subarray(0, this.#readBytesMax);
  }

  /** Whether one more message may be taken now. */
  get mayGoOn(): boolean {
    const now = this.#context.clock.now();
    return (this.#messages === null || this.#messages.tokens(now) >= 1) &&
      (this.#bytes === null || this.#bytes.tokens(now) >= 1);
  }

  /** Whether as many messages may be taken at once as so many bytes can hold. */
  mayTakeAll(bytes: number): boolean {
    const now = this.#context.clock.now();
    return (this.#messages === null || this.#messages.tokens(now) >= bytes / PUBLISH_BYTES_MIN) &&
      (this.#bytes === null || this.#bytes.tokens(now) >= bytes);
  }

  /** So much was published. */
  spend(messages: number, bytes: number): void {
    const now = this.#context.clock.now();
    this.#messages?.spend(messages, now);
    if (this.#bytes === null) return;
    const debtMax = this.#bytesPerSecond * DEBT_SECONDS_MAX;
    this.#bytes.spend(Math.min(bytes, this.#bytes.tokens(now) + debtMax), now);
  }

  /** What has to be waited for before more is read, or `null`. */
  wait(): Promise<void> | null {
    if (this.mayGoOn) return null;
    const { clock, scheduler } = this.#context;
    const now = clock.now();
    this.#ready ??= new Receipt();
    const readyMs = Math.max(this.#messages?.readyMs(now) ?? now, this.#bytes?.readyMs(now) ?? now);
    scheduler.set(this.#due, readyMs);
    return this.#ready.wait();
  }

  /** Wakes whoever waits: it may go on, or is gone. */
  close(): void {
    this.#context.scheduler.clear(this.#due);
    this.#ready?.close();
    this.#ready = null;
  }
}
