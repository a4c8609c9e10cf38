import type { Properties, QoS } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import type { Answer } from "./answer.ts";
import type { ClientMessage } from "./message.ts";
import type { SubscriptionBuffer, SubscriptionOverflow } from "./subscription_buffer.ts";

/** How a client subscribes. */
export interface ClientSubscribeOptions {
  /** The highest QoS at which messages come; 2 by default. */
  qos?: QoS;
  /** Whether the client's own messages are left out; MQTT 5 only; false by default. */
  noLocal?: boolean;
  /** Whether messages keep the RETAIN flag they came with; MQTT 5 only; false by default. */
  retainAsPublished?: boolean;
  /** Retained messages: 0 send, 1 send if the subscription is new, 2 do not; MQTT 5 only; 0 by default. */
  retainHandling?: 0 | 1 | 2;
  /** The Subscription Identifier, 1 to 268,435,455; MQTT 5 only; chosen by the client by default. */
  identifier?: number;
  /** User properties for the server; MQTT 5 only. */
  properties?: Pick<Properties, "userProperties">;
  /** What happens when the program does not keep up; `"wait"` by default. */
  overflow?: SubscriptionOverflow;
  /** Ends the subscription; the iterator then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Subscription options with every default filled in. */
export type SubscribeSettings =
  & Required<Pick<ClientSubscribeOptions, "qos" | "noLocal" | "retainAsPublished">>
  & Required<Pick<ClientSubscribeOptions, "retainHandling" | "properties">>
  & { readonly identifier: number };

/** A subscription as the client keeps it. */
export class SubscriptionRecord {
  /** Settles with what the server grants. */
  readonly ready: Answer<readonly QoS[]>;
  /** Closes when the server has confirmed the end, or is out of reach. */
  readonly gone: Receipt = new Receipt();
  /** What waits for the answer of the server. */
  asked: "subscribe" | "unsubscribe" | null = null;
  /** Whether the server has it. */
  isGranted = false;
  /** Whether nobody wants it any more. */
  isEnded = false;

  /** Makes one the server has not heard of yet. */
  constructor(
    readonly filters: readonly string[],
    readonly settings: SubscribeSettings,
    readonly buffer: SubscriptionBuffer,
    ready: Answer<readonly QoS[]>,
  ) {
    this.ready = ready;
  }
}

/**
 * The messages of one subscription, made by `Client.subscribe`: an iterator.
 * Leaving a `for await` over it unsubscribes.
 *
 * Messages of QoS 1 and 2 are acknowledged once {@linkcode next} has handed
 * them out. What the program does not take is kept within the client's limits;
 * past them the server has to wait.
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
   * Resolves when the server has granted the subscription, with the QoS of each
   * filter; rejects with a `SubscribeError` if it refuses one.
   */
  get ready(): Promise<readonly QoS[]> {
    return this.#record.ready.wait();
  }

  /** Messages that were dropped because the program did not keep up. */
  get dropped(): number {
    return this.#record.buffer.dropped;
  }

  /**
   * The next message; waits for one. Ends after {@linkcode return}, or when the
   * client is closed.
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
   * Ends the subscription, and waits until the server has confirmed that, if it
   * can be reached. Messages that were not taken are let go of.
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
