/** Subscribes the program to topic filters. */
import { Subscription } from "../router/subscription.ts";
import { retainedVariant } from "../router/variant.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { LocalSubscriber } from "./delivery/local_subscriber.ts";
import { LocalSubscription, type SubscribeOptions } from "./delivery/local_subscription.ts";
import { RetainedDelivery } from "./delivery/retained_delivery.ts";
import type { Receiver } from "./delivery/subscriber.ts";

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
