import type { QoS } from "../codec/mod.ts";
import type { Variant } from "./variant.ts";

/** Who receives: the router only needs to tell them apart and how they are written to. */
export interface Subscriber {
  /**
   * Subscribers of the same class, 0 or more, can be sent the very same bytes.
   * A negative class stands for one that needs bytes of its own. Whoever
   * changes it must call `Router.touch`.
   */
  readonly wireClass: number;
}

/** The wire class of a subscriber that is never sent bytes made for several. */
export const WIRE_CLASS_OWN = -1;

/** What a subscriber asks for with a topic filter (MQTT 5 §3.8.3.1). */
export interface SubscriptionOptions {
  /** The highest QoS at which messages are sent. */
  readonly qos: QoS;
  /** Whether the subscriber's own messages are left out [MQTT-3.8.3-3]. */
  readonly noLocal: boolean;
  /** Whether the RETAIN flag is sent on as it was published. */
  readonly retainAsPublished: boolean;
  /** 0, 1 or 2: when retained messages are sent [MQTT-3.3.1-9]. */
  readonly retainHandling: 0 | 1 | 2;
  /** Subscription Identifier, or 0 for none. */
  readonly identifier: number;
}

/** What a subscriber that asks for nothing but a QoS asks for. */
export const PLAIN_OPTIONS: Omit<SubscriptionOptions, "qos"> = {
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  identifier: 0,
};

/** Every way to subscribe without an identifier that was met so far, by its bits. */
const plain: SubscriptionOptions[] = [];
/** The last one with an identifier: all filters of a packet have the same. */
let numbered: SubscriptionOptions | null = null;

/** Options that share an object with others like them: there may be a million subscriptions. */
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

/** One topic filter of one subscriber. */
export class Subscription<S extends Subscriber> {
  /** How a shared group sends to it; made when it is first needed. */
  variant: Variant | null = null;

  /**
   * @param subscriber Who receives.
   * @param filter The topic filter as it was subscribed to, with `$share/…` if any.
   * @param options What was asked for.
   */
  constructor(
    readonly subscriber: S,
    readonly filter: string,
    readonly options: SubscriptionOptions,
  ) {}
}
