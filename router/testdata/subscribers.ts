/**
 * Subscribers and subscriptions in few words.
 *
 * @module
 */
import { type Subscriber, Subscription, type SubscriptionOptions } from "../subscription.ts";

/** A subscriber that a test can tell by its number. */
export class TestSubscriber implements Subscriber {
  readonly wireClass = 0;

  constructor(readonly id: number) {}
}

/** So many subscribers, numbered from 0. */
export function subscribers(count: number): TestSubscriber[] {
  return Array.from({ length: count }, (_, id) => new TestSubscriber(id));
}

/** A subscription to `filter` with QoS 0 and nothing else asked for but what is given. */
export function subscription<S extends Subscriber>(
  subscriber: S,
  filter: string,
  options: Partial<SubscriptionOptions> = {},
): Subscription<S> {
  return new Subscription(subscriber, filter, {
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: 0,
    ...options,
  });
}
