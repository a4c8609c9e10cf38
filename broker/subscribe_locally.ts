/** Subscribes the program to topic filters. */
import { Subscription } from "../router/subscription.ts";
import { topicFilterFault } from "../router/topic.ts";
import { retainedVariant } from "../router/variant.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { LocalSubscriber } from "./delivery/local_subscriber.ts";
import { LocalSubscription, type SubscribeOptions } from "./delivery/local_subscription.ts";
import { RetainedDelivery } from "./delivery/retained_delivery.ts";
import type { Receiver } from "./delivery/subscriber.ts";

/** What is wrong with a subscription of the program, as the end of a sentence; `null` for nothing. */
function subscribeFault(filter: string, { qos = 2 }: SubscribeOptions): string | null {
  const fault = topicFilterFault(filter);
  if (fault !== null) return `: ${fault}`;
  const isQoS = qos === 0 || qos === 1 || qos === 2;
  return isQoS ? null : ` with QoS ${qos}: it is 0, 1 or 2`;
}

/**
 * Subscribes the program.
 *
 * @param open Where the subscription is while it is open.
 * @throws {TypeError} If the filter is not a valid topic filter, or the QoS is not 0, 1 or 2.
 */
export function subscribeLocally(
  { context, router, retained: store }: BrokerParts,
  open: Set<LocalSubscription>,
  filter: string,
  options: SubscribeOptions,
): LocalSubscription {
  const fault = subscribeFault(filter, options);
  if (fault !== null) throw new TypeError(`Cannot subscribe to "${filter}"${fault}`);
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
