/** Publishes a message: retains and delivers it, and returns what its publisher has to wait for. */
import type { QoS } from "../../codec/mod.ts";
import type { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { BrokerContext } from "../base/context.ts";
import { isDelayedTopic } from "../base/delayed_topic.ts";
import type { Commit } from "../base/commit.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { Message } from "../base/message.ts";
import { type Delivery, type DeliveryJournal, Outcome } from "./delivery.ts";
import type { PublishBatch } from "./publish_batch.ts";
import type { RetainedStore } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** The broker, as a publisher needs it. */
export interface PublisherHost {
  readonly context: BrokerContext;
  readonly delivery: Delivery;
  readonly retained: RetainedStore;
  /** The store; `null` for a broker that keeps all in memory. */
  readonly journal: DeliveryJournal | null;
  readonly memory: Pick<MemoryBudget, "isAmple" | "mayKeep">;
  /** Messages that are published later. */
  readonly delayed: { take(message: Message): boolean };
}

/** The result of publishing one message, and the conditions that its publisher waits for. */
export interface PublishResult {
  /** One of {@linkcode Outcome}. */
  readonly outcome: number;
  /** Closes when the next message may be read; `null` for no wait. */
  readonly room: Receipt | null;
  /**
   * The commit that stores the message, which an acknowledgement must wait for; `null` for none.
   */
  readonly commit: Commit | null;
}

/** The results without a wait, by their outcome. */
const AT_ONCE: readonly PublishResult[] = [0, 1, 2].map((outcome) => ({
  outcome,
  room: null,
  commit: null,
}));

/**
 * Publishes messages of clients, of the program and of wills: retains and delivers them.
 *
 * During the call, subscribers report through {@linkcode Publisher.needRoom} that the publisher
 * must wait, and the store reports through {@linkcode Publisher.onStoring} that the message is
 * stored. Both are part of the result of that call. Reports between calls are ignored.
 */
export class Publisher {
  readonly #host: PublisherHost;
  readonly #context: BrokerContext;
  readonly #isDelaying: boolean;
  /** The receipt that the current publisher must wait for. */
  #room: Receipt | null = null;
  /** Whether the current message is stored. */
  #isStoring = false;

  constructor(host: PublisherHost) {
    this.#host = host;
    this.#context = host.context;
    this.#isDelaying = host.context.settings.delayed;
  }

  /** A subscriber has many waiting bytes: the current publisher must wait until `room` closes. */
  needRoom(room: Receipt): void {
    if (!room.isClosed) this.#room = room;
  }

  /** A part of the current message will be stored. */
  onStoring(): void {
    this.#isStoring = true;
  }

  /** What {@linkcode Delivery.prepare} does. */
  prepare(route: Route<Receiver>, qos: QoS): boolean {
    return this.#host.delivery.prepare(route, qos);
  }

  /**
   * Publishes a message: retains it if the RETAIN flag is set, and delivers it.
   *
   * @param shared The shared group, with `$share/…`, that another node has sent the message to:
   * nobody else gets it. `null`, the default, for a message to all subscribers.
   */
  publish(
    route: Route<Receiver>,
    message: Message,
    shared: string | null = null,
  ): PublishResult {
    // A hook of the program may publish during this call.
    const outerRoom = this.#room;
    const isOuterStoring = this.#isStoring;
    this.#room = null;
    this.#isStoring = false;
    const outcome = shared === null
      ? this.#publish(route, message)
      : this.#publishToGroup(route, message, shared);
    const room = this.#room;
    const commit = this.#isStoring ? this.#host.journal!.gathering : null;
    this.#room = outerRoom;
    this.#isStoring = isOuterStoring;
    if (outcome !== Outcome.refused) this.#context.reportPublish(message);
    // Most publishers have nothing to wait for. Their results are made once.
    return room === null && commit === null ? AT_ONCE[outcome]! : { outcome, room, commit };
  }

  /**
   * Publishes QoS 0 messages to one topic.
   *
   * @returns Closes when the next messages may be read; `null` for no wait.
   */
  publishBatch(batch: PublishBatch): Receipt | null {
    if (this.#context.hooks.published !== undefined && batch.origin.kind !== "link") {
      for (const message of batch.messages()) this.#context.reportPublish(message);
    }
    const outerRoom = this.#room;
    this.#room = null;
    this.#host.delivery.run(batch);
    const room = this.#room;
    this.#room = outerRoom;
    return room;
  }

  #publish(route: Route<Receiver>, message: Message): number {
    if (this.#isDelaying && isDelayedTopic(message.name)) return this.#delay(message);
    if (message.qos > 0 && this.#cannotPromise(route, message)) return Outcome.refused;
    if (message.retain && !this.#retain(route, message)) return Outcome.refused;
    return this.#host.delivery.message(route, message);
  }

  #publishToGroup(route: Route<Receiver>, message: Message, shared: string): number {
    if (message.qos > 0 && this.#cannotPromise(route, message)) return Outcome.refused;
    const isTaken = this.#host.delivery.toGroup(message, shared);
    return isTaken ? Outcome.delivered : Outcome.unmatched;
  }

  /** Takes a message that is published later. */
  #delay(message: Message): number {
    if (this.#host.delayed.take(message)) return Outcome.delivered;
    if (message.qos > 0) return Outcome.refused;
    this.#context.reportDrop("delayed", message, message.origin.clientId);
    return Outcome.unmatched;
  }

  /** Whether the message must be stored or kept, and there is no room for it. */
  #cannotPromise(route: Route<Receiver>, message: Message): boolean {
    const { journal, memory } = this.#host;
    if (journal !== null && this.cannotStore(route, message)) return true;
    return !memory.isAmple && this.#cannotKeep(route, message);
  }

  /** Retains a message. Returns false if the message must be refused. */
  #retain(route: Route<Receiver>, message: Message): boolean {
    const { delivery, retained } = this.#host;
    // The node where a message comes from tells the others what it retains.
    if (!this.#context.settings.retainAvailable || message.origin.kind === "link") return true;
    // A refused message must not be retained either.
    if (delivery.refuses(route, message)) return false;
    if (retained.set(message)) return true;
    this.#context.reportDrop("retained-full", message, message.origin.clientId);
    return message.qos === 0;
  }

  /** Whether the message must be kept for a subscriber, and there is no memory for it. */
  #cannotKeep(route: Route<Receiver>, message: Message): boolean {
    const { memory, delivery } = this.#host;
    if (memory.mayKeep(message.weight) || !delivery.keeps(route)) return false;
    this.#context.reportLimit("memory", null, message.origin.clientId);
    return true;
  }

  /** Whether the message must be stored, and the store cannot accept it. */
  cannotStore(route: Route<Receiver>, message: Message): boolean {
    const { journal, delivery } = this.#host;
    if (message.qos === 0 || journal === null || !journal.isFull) return false;
    return (message.retain && message.origin.kind !== "link") || delivery.isDurable(route);
  }
}
