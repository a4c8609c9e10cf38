/** A subscription: a subscriber, a filter and its options. */
import type { QoS } from "../codec/mod.ts";
import type { Variant } from "./variant.ts";

/** A receiver of messages. The router needs only its identity and its wire class. */
export interface Subscriber {
  /**
   * Subscribers of the same class, 0 or more, receive the same bytes. A subscriber with a negative
   * class needs its own bytes. After a change call `Router.touch`.
   */
  readonly wireClass: number;
}

/** The wire class of a subscriber that never receives bytes made for several. */
export const WIRE_CLASS_OWN = -1;

/** The Subscription Options of a topic filter (MQTT 5 §3.8.3.1), and its identifier. */
export interface SubscriptionOptions {
  /** The maximum QoS of messages to the subscriber. */
  readonly qos: QoS;
  /** No Local: whether the subscriber's own messages are not sent to it [MQTT-3.8.3-3]. */
  readonly noLocal: boolean;
  /** Retain As Published: whether the RETAIN flag is sent as it was published. */
  readonly retainAsPublished: boolean;
  /** Retain Handling, 0, 1 or 2: when retained messages are sent [MQTT-3.3.1-9]. */
  readonly retainHandling: 0 | 1 | 2;
  /** Subscription Identifier, or 0 for none. */
  readonly identifier: number;
}

/** Shared option objects without an identifier, by their bits. */
const plain: SubscriptionOptions[] = [];
/** The last option object with an identifier: all filters of a packet have the same one. */
let numbered: SubscriptionOptions | null = null;

/** Returns a shared object for equal options, because there may be a million subscriptions. */
export function subscriptionOptions(options: SubscriptionOptions): SubscriptionOptions {
  const bits = bitsOf(options);
  if (options.identifier === 0) return plain[bits] ??= copyOf(options);
  const isSame = numbered?.identifier === options.identifier && bitsOf(numbered) === bits;
  return isSame ? numbered! : numbered = copyOf(options);
}

function bitsOf(options: SubscriptionOptions): number {
  const { qos, noLocal, retainAsPublished, retainHandling } = options;
  return qos | retainHandling << 2 | (noLocal ? 16 : 0) | (retainAsPublished ? 32 : 0);
}

function copyOf(options: SubscriptionOptions): SubscriptionOptions {
  return Object.freeze({ ...options });
}

/**
 * One topic filter of one subscriber. `variant` is set by `variant.ts`, which caches its result
 * here.
 */
export class Subscription<S extends Subscriber> {
  /** How a message is sent through a shared group; created at first use. */
  variant: Variant | null = null;
  /**
   * The audience of topics that match only this filter, if it was created, and no one else has
   * subscribed to the filter. For the table of audiences, which sets it.
   */
  solo: object | null = null;

  /**
   * @param subscriber The receiver.
   * @param filter The topic filter as in SUBSCRIBE, with `$share/…` if any.
   * @param options The requested options.
   */
  constructor(
    readonly subscriber: S,
    readonly filter: string,
    readonly options: SubscriptionOptions,
  ) {}
}
