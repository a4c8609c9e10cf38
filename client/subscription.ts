/** One subscription of a client: an iterator over its messages. */
import type { Properties, QoS } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import type { Answer } from "./answer.ts";
import type { ClientMessage } from "./message.ts";
import type { SubscriptionBuffer, SubscriptionOverflow } from "./subscription_buffer.ts";

/** How a client subscribes. */
export interface ClientSubscribeOptions {
  /** Maximum QoS of the messages; 2 by default. */
  qos?: QoS;
  /** No Local: whether the client's own messages are left out; MQTT 5 only; false by default. */
  noLocal?: boolean;
  /**
   * Retain As Published: whether messages keep the RETAIN flag of their publisher; MQTT 5 only;
   * false by default.
   */
  retainAsPublished?: boolean;
  /**
   * Retain Handling: 0 sends retained messages, 1 only if the subscription is new, 2 never; MQTT 5
   * only; 0 by default.
   */
  retainHandling?: 0 | 1 | 2;
  /** The Subscription Identifier, 1 to 268,435,455; MQTT 5 only; chosen by the client by default. */
  identifier?: number;
  /** User properties for the server; MQTT 5 only. */
  properties?: Pick<Properties, "userProperties">;
  /** What happens when the subscription is full; `"wait"` by default. */
  overflow?: SubscriptionOverflow;
  /** Ends the subscription; the iterator then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Subscription options with every default filled in. */
export type SubscribeSettings =
  & Required<Pick<ClientSubscribeOptions, "qos" | "noLocal" | "retainAsPublished">>
  & Required<Pick<ClientSubscribeOptions, "retainHandling" | "properties">>
  & { readonly identifier: number };

/**
 * The client's record of a subscription. Its state is set by `subscriptions.ts`.
 */
export class SubscriptionRecord {
  /** Settles with what the server grants. */
  readonly ready: Answer<readonly QoS[]>;
  /** Closes when the server has confirmed the end, or cannot be reached. */
  readonly gone: Receipt = new Receipt();
  /** The request that waits for the server's answer. */
  asked: "subscribe" | "unsubscribe" | null = null;
  /** Whether the server has it. */
  isGranted = false;
  /** Whether the program has ended it. */
  isEnded = false;

  readonly filters: readonly string[];
  readonly settings: SubscribeSettings;
  readonly buffer: SubscriptionBuffer;

  /** Makes a record that the server does not know yet. */
  constructor(
    filters: readonly string[],
    settings: SubscribeSettings,
    buffer: SubscriptionBuffer,
    ready: Answer<readonly QoS[]>,
  ) {
    this.filters = filters;
    this.settings = settings;
    this.buffer = buffer;
    this.ready = ready;
  }
}

/**
 * The messages of one subscription, made by `Client.subscribe`: an iterator. Leaving a `for await`
 * over it unsubscribes.
 *
 * QoS 1 and 2 messages are acknowledged when {@linkcode next} has returned them. Messages that the
 * program has not taken wait within the client's limits. Past the limits, the server has to wait.
 */
export class ClientSubscription
  implements AsyncIterableIterator<ClientMessage, undefined>, AsyncDisposable {
  readonly #record: SubscriptionRecord;
  readonly #end: () => Promise<void>;

  /** Use `Client.subscribe`. */
  constructor(record: SubscriptionRecord, end: () => Promise<void>) {
    this.#record = record;
    this.#end = end;
  }

  /** The filters, as they were given. */
  get filters(): readonly string[] {
    return this.#record.filters;
  }

  /**
   * Resolves when the server has granted the subscription, with the granted QoS of each filter.
   * Rejects with a `SubscribeError` if the server refuses one.
   */
  get ready(): Promise<readonly QoS[]> {
    return this.#record.ready.wait();
  }

  /** How many messages were dropped because the subscription was full. */
  get dropped(): number {
    return this.#record.buffer.dropped;
  }

  /**
   * Returns the next message, and waits for it. The iteration ends after {@linkcode return}, or
   * when the client is closed.
   *
   * @throws {SubscribeError} If the server refuses the subscription.
   * @throws {ClientError} If the connection is lost for good, after the last message.
   */
  async next(): Promise<IteratorResult<ClientMessage, undefined>> {
    const delivery = await this.#record.buffer.take();
    if (delivery === undefined) return { done: true, value: undefined };
    return { done: false, value: delivery.message };
  }

  /**
   * Ends the subscription, and waits until the server has confirmed that, if it can be reached.
   * Messages that were not taken are discarded.
   */
  async return(): Promise<IteratorResult<ClientMessage, undefined>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  /** The subscription is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the subscription. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}
