/** The program that the broker is part of, as a publisher and subscriber. */
import type { Properties, QoS } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import { Subscription } from "../router/subscription.ts";
import { topicFilterFault, topicNameFault } from "../router/topic.ts";
import { retainedVariant } from "../router/variant.ts";
import { Message } from "./base/message.ts";
import { Origin } from "./base/origin.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { Outcome } from "./delivery/delivery.ts";
import { LocalSubscriber } from "./delivery/local_subscriber.ts";
import { LocalSubscription } from "./delivery/local_subscription.ts";
import { RetainedDelivery } from "./delivery/retained_delivery.ts";
import type { Receiver } from "./delivery/subscriber.ts";

/** How a program publishes. */
export interface PublishOptions {
  /** 0 by default. */
  qos?: QoS;
  /** Whether the message is retained; false by default. */
  retain?: boolean;
  /** Message expiry, payload format, content type, response topic, correlation data, user properties. */
  properties?: Properties;
}

/** How a program subscribes. */
export interface SubscribeOptions {
  /** The highest QoS at which messages come; 2 by default. */
  qos?: QoS;
  /** Whether retained messages come first; true by default. */
  retained?: boolean;
}

/** A message was refused, because it cannot be kept for everyone who needs it. */
export class QuotaExceededError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QuotaExceededError";
}

const encoder = new TextEncoder();

/** Publishes and subscribes for the program, as `Broker` offers it. */
export class ProgramClient {
  readonly #parts: BrokerParts;
  readonly #subscriptions = new Set<LocalSubscription>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** See `Broker.publish`. */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions): Receipt {
    const { router, context, publisher, journal } = this.#parts;
    const fault = topicNameFault(topic);
    const route = fault === null ? router.routeOf(topic) : null;
    if (route === null) {
      throw new TypeError(`Cannot publish to "${topic}": ${fault ?? "too many levels"}`);
    }
    const { qos = 0, retain = false, properties = {} } = options;
    const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
    const nowMs = context.clock.now();
    const parts = { route, payload: bytes, properties, qos, retain, nowMs, origin: Origin.program };
    const { outcome, room, commit } = publisher.publish(route, Message.of(parts));
    if (outcome === Outcome.refused) {
      throw new QuotaExceededError(`Cannot publish to "${topic}": a backlog is full`);
    }
    if (qos === 0 || commit === null) return room ?? Receipt.closed();
    const stored = journal!.whenStored(commit);
    return room === null ? stored : allOf(stored, room);
  }

  /** See `Broker.subscribe`. */
  subscribe(filter: string, options: SubscribeOptions): LocalSubscription {
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`Cannot subscribe to "${filter}": ${fault}`);
    const { qos = 2, retained = true } = options;
    const { router, context } = this.#parts;
    const receiver = new LocalSubscriber(context);
    const local = new LocalSubscription(receiver, () => {
      router.unsubscribe(receiver, filter);
      this.#subscriptions.delete(local);
    });
    const subscription = new Subscription<Receiver>(receiver, filter, {
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      identifier: 0,
    });
    router.subscribe(subscription);
    this.#subscriptions.add(local);
    if (retained) {
      const walk = this.#parts.retained.match(filter);
      receiver.feed = new RetainedDelivery(filter, walk, retainedVariant(subscription), false);
    }
    return local;
  }

  /** Ends every subscription. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) await subscription.return();
  }
}

/** A receipt that closes when all the others have. */
function allOf(...receipts: Receipt[]): Receipt {
  const all = new Receipt();
  Promise.all(receipts.map((receipt) => receipt.wait())).then(() => all.close());
  return all;
}
