/**
 * Publishing by the program: `Broker.publish`.
 *
 * @module
 */
import type { Properties, QoS } from "../../codec/mod.ts";
import { propertiesLength } from "../../codec/property_writer.ts";
import type { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Router } from "../../router/router.ts";
import { topicNameFault } from "../../router/topic.ts";
import type { Commit } from "../base/commit.ts";
import type { BrokerContext } from "../base/context.ts";
import { targetOf } from "../base/delayed_topic.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { Outcome } from "./delivery.ts";
import type { Publisher } from "./publisher.ts";
import type { Receiver } from "./subscriber.ts";

/** Options of a publication of the program. */
export interface PublishOptions {
  /** 0 by default. */
  qos?: QoS;
  /** Whether the message is retained; false by default. */
  retain?: boolean;
  /** Message expiry, payload format, content type, response topic, correlation data, user properties. */
  properties?: Properties;
}

/** A message was refused, because it cannot be kept for all its receivers. */
export class QuotaExceededError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QuotaExceededError";
}

/** The dependencies of {@linkcode LocalPublisher}. */
export interface LocalPublisherHost {
  readonly context: BrokerContext;
  readonly router: Pick<Router<Receiver>, "routeOf">;
  readonly publisher: Publisher;
  /** Stores messages; `null` without a store. */
  readonly journal: { whenStored(commit: Commit): Receipt } | null;
}

/** Properties of a PUBLISH that depend on the connection or the subscription. */
const FOREIGN = ["topicAlias", "subscriptionIdentifiers"] as const;

const NO_PROPERTIES: Properties = Object.freeze({});

/** The result of most calls. It is shared, because a promise per message would cost time. */
const DONE: Promise<void> = Promise.resolve();

const encoder = new TextEncoder();

/** Publishes the messages of the program. */
export class LocalPublisher {
  readonly #host: LocalPublisherHost;

  constructor(host: LocalPublisherHost) {
    this.#host = host;
  }

  /** See `Broker.publish`. It is no `async` function: that would make a promise per message. */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions): Promise<void> {
    try {
      return this.#publish(topic, payload, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish(topic: string, payload: Uint8Array | string, options: PublishOptions): Promise<void> {
    const { context, publisher, journal } = this.#host;
    const route = this.#route(topic);
    const message = messageOf(route, payload, options, context.clock.now());
    const { outcome, room, commit } = publisher.publish(route, message);
    if (outcome === Outcome.refused) {
      context.stats.messagesRefused++;
      const text = `Cannot publish to "${topic}": a backlog, the memory or the store is full`;
      return refusal(new QuotaExceededError(text));
    }
    const stored = message.qos === 0 || commit === null ? null : journal!.whenStored(commit);
    if (stored === null) return room?.wait() ?? DONE;
    return room === null ? stored.wait() : both(stored, room);
  }

  #route(topic: string): Route<Receiver> {
    const fault = typeof topic === "string" ? topicNameFault(topic) : "is not a string";
    if (fault !== null) throw new TypeError(`Cannot publish to "${topic}": topic ${fault}`);
    if (targetOf(topic, this.#host.context) === null) {
      const most = `delaySecondsMax (${this.#host.context.limits.delaySecondsMax})`;
      const form = `expected $delayed/SECONDS/TOPIC, with at most ${most}`;
      throw new TypeError(`Cannot publish to "${topic}": ${form}`);
    }
    const route = this.#host.router.routeOf(topic);
    if (route !== null) return route;
    const { topicLevelsMax, topicBytesMax } = this.#host.context.limits;
    const most = `topicLevelsMax (${topicLevelsMax}) or topicBytesMax (${topicBytesMax})`;
    throw new TypeError(`Cannot publish to "${topic}": topic has more than ${most}`);
  }
}

function messageOf(
  route: Route<Receiver>,
  payload: Uint8Array | string,
  { qos = 0, retain = false, properties }: PublishOptions,
  nowMs: number,
): Message {
  const { topic } = route;
  if (qos !== 0 && qos !== 1 && qos !== 2) {
    throw new TypeError(`Cannot publish to "${topic}" with QoS ${qos}: it is 0, 1 or 2`);
  }
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`Cannot publish to "${topic}": payload is neither text nor a Uint8Array`);
  }
  if (properties !== undefined) checkProperties(topic, properties);
  return Message.of({
    route,
    payload: bytes,
    properties: properties ?? NO_PROPERTIES,
    qos,
    retain,
    nowMs,
    origin: Origin.program,
  });
}

function checkProperties(topic: string, properties: Properties): void {
  try {
    for (const name of FOREIGN) {
      if (properties[name] !== undefined) throw new TypeError(`a program cannot set ${name}`);
    }
    propertiesLength(properties, "publish");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new TypeError(`Cannot publish to "${topic}": ${error.message}`, { cause: error });
  }
}

/** A rejected promise that does not end the program if nobody handles it. */
function refusal(error: QuotaExceededError): Promise<void> {
  const refused = Promise.reject(error);
  refused.catch(() => {});
  return refused;
}

async function both(stored: Receipt, room: Receipt): Promise<void> {
  await stored.wait();
  await room.wait();
}
