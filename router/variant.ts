/** How one message is sent to one subscriber, by its matching subscriptions. */
import type { QoS } from "../codec/mod.ts";
import type { Subscriber, Subscription } from "./subscription.ts";

/**
 * The flags with which one message is sent to one subscriber: the sum of its matching
 * subscriptions.
 */
export interface Variant {
  /** The maximum QoS of the matching subscriptions [MQTT-3.3.4-2]. */
  readonly qos: QoS;
  /** The identifiers of all matching subscriptions, or `null` for none [MQTT-3.3.4-4]. */
  readonly identifiers: readonly number[] | null;
  /** Whether any of them has Retain As Published. */
  readonly retainAsPublished: boolean;
  /** Whether it is sent as a retained message after SUBSCRIBE, not as a published one. */
  readonly retained: boolean;
  /** The shared subscription that receives it, with `$share/…`, or `null`. */
  readonly shared: string | null;
}

/** The sum of several subscriptions of one subscriber. */
export function addUp(subscriptions: readonly Subscription<Subscriber>[]): Variant {
  let qos: QoS = 0;
  let identifiers: number[] | null = null;
  let retainAsPublished = false;
  for (const { options } of subscriptions) {
    if (options.qos > qos) qos = options.qos;
    if (options.identifier !== 0) (identifiers ??= []).push(options.identifier);
    retainAsPublished ||= options.retainAsPublished;
  }
  return { qos, identifiers, retainAsPublished, retained: false, shared: null };
}

/** How retained messages are sent for one subscription [MQTT-3.3.1-8]. */
export function retainedVariant(subscription: Subscription<Subscriber>): Variant {
  return { ...addUp([subscription]), retained: true };
}

/** How messages are sent to one member of a shared group. */
export function sharedVariant(subscription: Subscription<Subscriber>): Variant {
  return subscription.variant ??= { ...addUp([subscription]), shared: subscription.filter };
}
