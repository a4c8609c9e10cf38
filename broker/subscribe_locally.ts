import type { QoS } from "../codec/mod.ts";
import { Subscription } from "../router/subscription.ts";
import { retainedVariant } from "../router/variant.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { LocalSubscriber } from "./delivery/local_subscriber.ts";
import { LocalSubscription } from "./delivery/local_subscription.ts";
import { RetainedDelivery } from "./delivery/retained_delivery.ts";
import type { Receiver } from "./delivery/subscriber.ts";

/** Options of a subscription of the program. */
export interface SubscribeOptions {
  /** The maximum QoS of its messages; 2 by default. */
  qos?: QoS;
  /** Whether retained messages are delivered first; true by default. */
  retained?: boolean;
}

/**
 * Subscribes the program.
 *
 * @param filter A valid topic filter.
 * @param open Where the subscription is while it is open.
 */
export function subscribeLocally(
  { context, router, retained: store }: BrokerParts,
  open: Set<LocalSubscription>,
  filter: string,
  options: SubscribeOptions,
): LocalSubscription {
  const { qos = 2, retained = true } = options;
  const receiver = new LocalSubscriber(context);
  const local = new LocalSubscription(receiver, () => {
    router.unsubscribe(receiver, filter);
    open.delete(local);
  });
  const subscription = new Subscription<Receiver>(receiver, filter, {
    qos,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: 0,
  });
  router.subscribe(subscription);
  open.add(local);
  if (retained) {
    const walk = store.match(filter);
    receiver.feed = new RetainedDelivery(filter, walk, retainedVariant(subscription), false);
  }
  return local;
}
