/** The members of audiences. */
import type { QoS } from "../codec/mod.ts";
import type { Subscriber, Subscription } from "./subscription.ts";
import { addUp, type Variant } from "./variant.ts";

/** A subscriber in an audience. */
export class Member<S extends Subscriber> implements Variant {
  readonly retained = false;
  readonly shared = null;
  /** The index of the member in its audience, which sets it. */
  index = -1;
  /**
   * Data of the observer, which sets it: the member's place in a group, found without a look-up.
   */
  seat: unknown = null;

  /**
   * @param subscriber The receiver.
   * @param own How it receives its own messages: `null` if it does not [MQTT-3.8.3-3], `undefined`
   * if like all others.
   */
  constructor(
    readonly subscriber: S,
    readonly qos: QoS,
    readonly identifiers: readonly number[] | null,
    readonly retainAsPublished: boolean,
    readonly own: Variant | null | undefined,
  ) {}
}

/** The member for several subscriptions of one subscriber. */
export function mergedOf<S extends Subscriber>(
  subscriptions: readonly Subscription<S>[],
): Member<S> {
  const { qos, identifiers, retainAsPublished } = addUp(subscriptions);
  const local = subscriptions.filter((subscription) => !subscription.options.noLocal);
  let own: Variant | null | undefined;
  if (local.length === 0) own = null;
  else if (local.length < subscriptions.length) own = addUp(local);
  return new Member(subscriptions[0]!.subscriber, qos, identifiers, retainAsPublished, own);
}

/** The member for a single subscription. */
export function memberOf<S extends Subscriber>(
  { subscriber, options }: Subscription<S>,
): Member<S> {
  const { qos, identifier, retainAsPublished, noLocal } = options;
  const identifiers = identifier === 0 ? null : [identifier];
  return new Member(subscriber, qos, identifiers, retainAsPublished, noLocal ? null : undefined);
}
