/** A subscription of the program: an iterator over messages. */
import type { QoS } from "../../codec/mod.ts";
import type { LocalSubscriber } from "./local_subscriber.ts";

/** Options of a subscription of the program. */
export interface SubscribeOptions {
  /** The maximum QoS of its messages; 2 by default. */
  qos?: QoS;
  /** Whether retained messages are delivered first; true by default. */
  retained?: boolean;
}

/** A message, as the program receives it. */
export interface ReceivedMessage {
  /** The topic. */
  readonly topic: string;
  /** The payload; owned by the program. */
  readonly payload: Uint8Array;
  /** The lower QoS of the publication and the subscription. */
  readonly qos: QoS;
  /** Whether it was a retained message when the subscription was made. */
  readonly retain: boolean;
}

/**
 * A subscription of the program: an iterator over its messages, created by `Broker.subscribe`.
 * Messages wait for the program within the limits of a session's backlog. Beyond them the oldest
 * messages are dropped, and counted.
 */
export class LocalSubscription implements AsyncIterableIterator<ReceivedMessage, undefined> {
  readonly #receiver: LocalSubscriber;
  readonly #onEnded: () => void;
  #isEnded = false;

  /** Use `Broker.subscribe`. */
  constructor(receiver: LocalSubscriber, onEnded: () => void) {
    this.#receiver = receiver;
    this.#onEnded = onEnded;
  }

  /** Messages that were dropped because the program was too slow. */
  get dropped(): number {
    return this.#receiver.dropped;
  }

  /** The next message; waits for one. Ends after {@linkcode return}. */
  async next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    while (!this.#isEnded) {
      const value = this.#receiver.take();
      if (value !== null) return { done: false, value };
      await this.#receiver.more;
    }
    return { done: true, value: undefined };
  }

  /** Ends the subscription. */
  return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#onEnded();
      this.#receiver.wake();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The subscription is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the subscription. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
