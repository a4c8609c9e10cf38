import type { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Commit } from "../base/commit.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { Message } from "../base/message.ts";
import { type Delivery, type DeliveryJournal, Outcome } from "./delivery.ts";
import type { PublishBatch } from "./publish_batch.ts";
import type { RetainedStore } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** What a publisher needs of the broker. */
export interface PublisherHost {
  readonly context: BrokerContext;
  readonly delivery: Delivery;
  readonly retained: RetainedStore;
  /** What stores messages; `null` for a broker that keeps all in memory. */
  readonly journal: DeliveryJournal | null;
  readonly memory: MemoryBudget;
}

/** What came of publishing one message, and what whoever has published it waits for. */
export interface PublishResult {
  /** One of {@linkcode Outcome}. */
  readonly outcome: number;
  /** Closes when the next message is welcome; `null` if it is at once. */
  readonly room: Receipt | null;
  /** What an acknowledgement waits for: the commit that stores the message; `null` for none. */
  readonly commit: Commit | null;
}

/**
 * Publishes what clients, the program and wills have to say: retains it, and delivers it.
 *
 * While it is at it, those who receive say through {@linkcode Publisher.needRoom} that the publisher
 * has to wait, and the store says through {@linkcode Publisher.storing} that it stores something.
 * Both are part of the result of that one call; what is said in between counts for nobody.
 */
export class Publisher {
  readonly #host: PublisherHost;
  readonly #context: BrokerContext;
  /** What the publisher of the message under way has to wait for. */
  #room: Receipt | null = null;
  /** Whether something of the message under way is stored. */
  #isStoring = false;

  constructor(host: PublisherHost) {
    this.#host = host;
    this.#context = host.context;
  }

  /** Somebody who receives has much waiting: whoever publishes now waits until `room` closes. */
  needRoom(room: Receipt): void {
    if (!room.isClosed) this.#room = room;
  }

  /** Something of what is published now is to be stored. */
  storing(): void {
    this.#isStoring = true;
  }

  /** Publishes a message: retains it if it wants to be, and delivers it. */
  publish(route: Route<Receiver>, message: Message, clientId: string | null): PublishResult {
    // A hook of the program may publish in the middle of this.
    const outerRoom = this.#room;
    const isOuterStoring = this.#isStoring;
    this.#room = null;
    this.#isStoring = false;
    const outcome = this.#publish(route, message, clientId);
    const room = this.#room;
    const commit = this.#isStoring ? this.#host.journal!.gathering : null;
    this.#room = outerRoom;
    this.#isStoring = isOuterStoring;
    if (outcome !== Outcome.refused) this.#context.published(message, clientId);
    return { outcome, room, commit };
  }

  /**
   * Publishes QoS 0 messages that go to one topic.
   *
   * @returns Closes when the next are welcome; `null` if they are at once.
   */
  publishBatch(batch: PublishBatch, clientId: string | null): Receipt | null {
    if (this.#context.hooks.published !== undefined) {
      for (const message of batch.messages()) this.#context.published(message, clientId);
    }
    const outerRoom = this.#room;
    this.#room = null;
    this.#host.delivery.run(batch);
    const room = this.#room;
    this.#room = outerRoom;
    return room;
  }

  #publish(route: Route<Receiver>, message: Message, clientId: string | null): number {
    if (message.qos > 0 && this.#cannotPromise(route, message, clientId)) return Outcome.refused;
    if (message.retain && !this.#retain(route, message, clientId)) return Outcome.refused;
    return this.#host.delivery.message(route, message);
  }

  /** Whether the message would have to be stored or kept, and there is no room for it. */
  #cannotPromise(route: Route<Receiver>, message: Message, clientId: string | null): boolean {
    const { journal, memory } = this.#host;
    if (journal !== null && this.cannotStore(route, message)) return true;
    return !memory.isAmple && this.#cannotKeep(route, message, clientId);
  }

  /** Retains a message. Returns false if it has to be refused. */
  #retain(route: Route<Receiver>, message: Message, clientId: string | null): boolean {
    const { delivery, retained } = this.#host;
    if (!this.#context.settings.retainAvailable) return true;
    // What is refused must not be retained, either.
    if (delivery.refuses(route, message)) return false;
    if (retained.set(message)) return true;
    this.#context.dropped("retained-full", message, clientId);
    return message.qos === 0;
  }

  /** Whether the message would have to be kept for somebody, and there is no memory for it. */
  #cannotKeep(route: Route<Receiver>, message: Message, clientId: string | null): boolean {
    const { memory, delivery } = this.#host;
    if (memory.mayKeep(message.weight) || !delivery.keeps(route)) return false;
    this.#context.limited("memory", null, clientId);
    return true;
  }

  /** Whether the message must survive, and the store cannot take it. */
  cannotStore(route: Route<Receiver>, message: Message): boolean {
    const { journal, delivery } = this.#host;
    if (message.qos === 0 || journal === null || !journal.isFull) return false;
    return message.retain || delivery.isDurable(route);
  }
}
