/** Messages that are published later: `$delayed/SECONDS/TOPIC`. */
import type { Router } from "../../router/router.ts";
import type { Route } from "../../router/route_cache.ts";
import type { BrokerContext } from "../base/context.ts";
import { parseDelayedTopic } from "../base/delayed_topic.ts";
import { DELAYED_BYTES } from "../base/memory_costs.ts";
import { Message, type StoredPlace } from "../base/message.ts";
import { Deadline } from "../base/scheduler.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import { Outcome } from "./delivery.ts";
import type { Receiver } from "./subscriber.ts";

/**
 * Messages that are due in the same piece of time are published together. Its length, in
 * milliseconds.
 */
const GRAIN_MS = 100;
/** How long a due message waits while the store cannot take it, in milliseconds. */
const RETRY_MS = 1000;
/** The cost of publishing one message, in units of the turn budget. */
const UNITS_PER_MESSAGE = 16;

const encoder = new TextEncoder();

/**
 * A message that is published later. `storedId` is set by `stored_delayed.ts`, so that no table
 * maps messages to rows.
 */
export class DelayedMessage implements StoredPlace {
  /** The number of its row; 0 if it is not stored. */
  storedId = 0;
  /** Whether it was published, or never will be. */
  isOver = false;
  /** Whether its publisher was told that it is not stored. */
  isRevoked = false;

  /**
   * @param message As it is published: its expiry counts from `dueMs` on.
   * @param dueMs When it is published, by the clock.
   */
  constructor(readonly message: Message, readonly dueMs: number) {}

  /** What it costs in memory, in bytes. */
  get weight(): number {
    return this.message.weight + DELAYED_BYTES;
  }
}

/** What stores delayed messages. */
export interface DelayedKeeper {
  /** A message was added. Its publisher waits until it is stored. */
  onAdded(delayed: DelayedMessage): void;
  /** A message is over. The commit that holds what it publishes must also remove its row. */
  onOver(delayed: DelayedMessage): void;
}

/** What delayed messages need of the broker. */
export interface DelayedHost {
  readonly context: BrokerContext;
  readonly router: Pick<Router<Receiver>, "routeOf">;
  readonly publisher: {
    publish(route: Route<Receiver>, message: Message): { readonly outcome: number };
    cannotStore(route: Route<Receiver>, message: Message): boolean;
  };
  readonly memory: Pick<MemoryBudget, "mayGrow">;
  readonly journal: { readonly isFull: boolean } | null;
}

/**
 * Messages that wait for their time. Those with the same delay are published in the order in which
 * they came. They are published one by one, in turns, at most {@linkcode GRAIN_MS} late while the
 * broker is not busy.
 */
export class DelayedMessages {
  /** What stores them; `null` without a store. */
  keeper: DelayedKeeper | null = null;
  readonly #host: DelayedHost;
  /** The messages of each piece of time, in the order in which they came. */
  readonly #waiting = new Map<number, DelayedMessage[]>();
  /** The messages that are due, in order, and the index of the next one. */
  #due: DelayedMessage[] = [];
  #next = 0;
  #isReleasing = false;
  readonly #retry = new Deadline(() => this.#release());
  #size = 0;
  #bytes = 0;

  constructor(host: DelayedHost) {
    this.#host = host;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** What they cost in memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a message whose topic is `$delayed/SECONDS/TOPIC`.
   *
   * @returns False if there is no room for it, or its topic is not valid.
   */
  take(source: Message): boolean {
    const { context } = this.#host;
    const parsed = parseDelayedTopic(source.name, context);
    if (parsed === null) return false;
    const dueMs = context.clock.now() + parsed.seconds * 1000;
    const delayed = new DelayedMessage(messageFor(parsed.topic, source, dueMs), dueMs);
    if (!this.#hasRoom(delayed)) {
      context.reportLimit("delayed", null, source.origin.clientId);
      return false;
    }
    context.stats.messagesDelayed++;
    source.place = delayed;
    this.#add(delayed);
    this.keeper?.onAdded(delayed);
    return true;
  }

  /** Takes one that was stored. */
  restore(delayed: DelayedMessage): void {
    this.#add(delayed);
  }

  /** Forgets one that is never published. */
  forget(delayed: DelayedMessage): void {
    if (delayed.isOver) return;
    delayed.isOver = true;
    this.#size--;
    this.#bytes -= delayed.weight;
    this.keeper?.onOver(delayed);
  }

  #hasRoom({ weight }: DelayedMessage): boolean {
    const { context: { limits }, memory, journal } = this.#host;
    if (this.#size >= limits.delayedMessagesMax) return false;
    if (this.#bytes + weight > limits.delayedBytesMax) return false;
    return !(journal?.isFull ?? false) && memory.mayGrow("message", weight);
  }

  #add(delayed: DelayedMessage): void {
    this.#size++;
    this.#bytes += delayed.weight;
    delayed.message.keep();
    const piece = Math.ceil(delayed.dueMs / GRAIN_MS);
    const together = this.#waiting.get(piece);
    if (together !== undefined) {
      together.push(delayed);
      return;
    }
    this.#waiting.set(piece, [delayed]);
    const { scheduler } = this.#host.context;
    scheduler.set(new Deadline(() => this.#onDue(piece)), piece * GRAIN_MS);
  }

  #onDue(piece: number): void {
    for (const delayed of this.#waiting.get(piece)!) this.#due.push(delayed);
    this.#waiting.delete(piece);
    this.#release();
  }

  /** Publishes what is due, as far as there is time in this turn. */
  #release(): void {
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    this.#releaseSome();
  }

  readonly #releaseSome = (): void => {
    const { context: { turns, scheduler, clock } } = this.#host;
    for (let next = this.#due[this.#next]; next !== undefined; next = this.#due[this.#next]) {
      if (!this.#publish(next)) {
        this.#isReleasing = false;
        scheduler.set(this.#retry, clock.now() + RETRY_MS);
        return;
      }
      this.#next++;
      if (turns.spend(UNITS_PER_MESSAGE)) return turns.later(this.#releaseSome);
    }
    this.#due = [];
    this.#next = 0;
    this.#isReleasing = false;
  };

  /** Publishes one. Returns false if the store cannot take it now. */
  #publish(delayed: DelayedMessage): boolean {
    if (delayed.isOver) return true;
    const { context, router, publisher } = this.#host;
    const { message } = delayed;
    const route = delayed.isRevoked ? null : router.routeOf(message.name);
    if (route === null) this.forget(delayed);
    else if (message.deadlineMs <= context.clock.now()) {
      this.forget(delayed);
      context.reportDrop("expired", message, message.origin.clientId);
    } else {
      if (publisher.cannotStore(route, message)) return false;
      this.forget(delayed);
      const { outcome } = publisher.publish(route, message);
      if (outcome === Outcome.refused) {
        context.reportDrop("backlog", message, message.origin.clientId);
      }
    }
    return true;
  }
}

/** The message as it is published when it is due. */
function messageFor(topic: string, source: Message, dueMs: number): Message {
  const { buffer, propertiesStart, propertiesEnd, payload, expirySeconds } = source;
  const { qos, retain, origin } = source;
  const route = { topic, bytes: encoder.encode(topic) };
  const head = buffer.subarray(propertiesStart, propertiesEnd);
  return Message.withHead(head, expirySeconds, {
    route,
    payload,
    qos,
    retain,
    origin,
    nowMs: expirySeconds < 0 ? 0 : dueMs,
  });
}
