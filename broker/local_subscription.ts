import type { QoS } from "../codec/mod.ts";
import type { ByteLog } from "../log/byte_log.ts";
import { Receipt } from "../log/receipt.ts";
import { WIRE_CLASS_OWN } from "../router/subscription.ts";
import type { Variant } from "../router/variant.ts";
import { Backlog } from "./backlog.ts";
import type { Core } from "./core.ts";
import type { Message } from "./message.ts";
import { Rank, type Receiver } from "./receiver.ts";
import type { RetainedFeed } from "./retained_feed.ts";
import type { Run } from "./run.ts";

/** A message as the program receives it. */
export interface ReceivedMessage {
  /** The topic. */
  readonly topic: string;
  /** The payload; the program's own. */
  readonly payload: Uint8Array;
  /** The lower of what was published and what was subscribed to. */
  readonly qos: QoS;
  /** Whether it was retained before the subscription was made. */
  readonly retain: boolean;
}

/**
 * A subscription of the program the broker is part of. It has the limits of a
 * session's backlog; past them the oldest messages are dropped, and counted.
 */
export class LocalSubscription implements Receiver, AsyncIterableIterator<ReceivedMessage> {
  readonly clientId = null;
  readonly wireClass: number = WIRE_CLASS_OWN;
  /** Messages that were dropped because the program did not keep up. */
  dropped = 0;
  readonly #core: Core;
  readonly #ended: () => void;
  readonly #backlog = new Backlog();
  #more = new Receipt();
  #feed: RetainedFeed | null = null;
  #isEnded = false;

  /** @param ended Takes the subscription out of the router. */
  constructor(core: Core, ended: () => void) {
    this.#core = core;
    this.#ended = ended;
  }

  /** Has retained messages come first. */
  feed(feed: RetainedFeed): void {
    this.#feed = feed;
  }

  receiveRun(run: Run, variant: Variant): void {
    for (const message of run.messages()) this.receive(message, variant);
  }

  receive(message: Message, variant: Variant): void {
    if (this.#isEnded) return;
    this.#backlog.push(message.keep(), variant);
    const { backlogMessagesMax, backlogBytesMax } = this.#core.limits;
    const dropped = this.#backlog.trim(backlogMessagesMax, backlogBytesMax);
    this.dropped += dropped;
    this.#core.stats.dropped.backlog += dropped;
    this.#more.close();
  }

  rank(): number {
    return this.isFull(0) ? Rank.busy : Rank.ready;
  }

  isFull(bytes: number): boolean {
    const { backlogMessagesMax, backlogBytesMax } = this.#core.limits;
    return this.#backlog.messages >= backlogMessagesMax ||
      this.#backlog.bytes + bytes > backlogBytesMax;
  }

  /** The next message; waits for one. Ends after {@linkcode return}. */
  async next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    while (!this.#isEnded) {
      const message = this.#backlog.peek();
      if (message !== null) {
        const { variant } = this.#backlog;
        this.#backlog.shift();
        return { done: false, value: received(message, variant) };
      }
      if (this.#feed !== null) {
        if (!this.#feed.next(this)) this.#feed = null;
        continue;
      }
      this.#more = new Receipt();
      await this.#more;
    }
    return { done: true, value: undefined };
  }

  /** Ends the subscription. */
  return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#ended();
      this.#more.close();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the subscription. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  followBytes(_log: ByteLog): boolean {
    return false;
  }

  followMessages(): boolean {
    return false;
  }

  leaveBytes(): void {}

  leaveMessages(): void {}

  lookAtBytes(): void {}

  lookAtMessages(): { messages: number; bytes: number } {
    return { messages: Infinity, bytes: Infinity };
  }
}

function received(message: Message, variant: Variant): ReceivedMessage {
  return {
    topic: message.name,
    payload: message.payload.slice(),
    qos: Math.min(message.qos, variant.qos) as QoS,
    retain: variant.retained || (variant.retainAsPublished && message.retain),
  };
}
