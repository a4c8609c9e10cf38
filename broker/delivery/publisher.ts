import type { Receipt } from "../../log/receipt.ts";
import type { Route } from "../../router/route_cache.ts";
import type { BrokerContext } from "../base/context.ts";
import type { MemoryBudget } from "../limits/memory_budget.ts";
import type { Message } from "../base/message.ts";
import { type Delivery, type DeliveryJournal, Outcome } from "./delivery.ts";
import type { Run } from "./publish_batch.ts";
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

/** Publishes what clients, the program and wills have to say: retains it, and delivers it. */
export class Publisher {
  readonly #host: PublisherHost;
  readonly #context: BrokerContext;
  #congestion: Receipt | null = null;

  constructor(host: PublisherHost) {
    this.#host = host;
    this.#context = host.context;
  }

  congested(room: Receipt): void {
    if (!room.isClosed) this.#congestion = room;
  }

  /** Whether whoever is publishing now should wait. */
  get isCongested(): boolean {
    return this.#congestion !== null;
  }

  /** What whoever has just published should wait for, or `null`. */
  takeCongestion(): Receipt | null {
    const congestion = this.#congestion;
    this.#congestion = null;
    return congestion;
  }

  /**
   * Publishes a message: retains it if it wants to be, and delivers it.
   *
   * @returns One of `Outcome`.
   */
  publish(route: Route<Receiver>, message: Message, clientId: string | null): number {
    const outcome = this.#publish(route, message, clientId);
    if (outcome !== Outcome.refused) this.#context.published(message, clientId);
    return outcome;
  }

  #publish(route: Route<Receiver>, message: Message, clientId: string | null): number {
    const { delivery, retained } = this.#host;
    if (this.cannotStore(route, message) || this.#cannotKeep(route, message, clientId)) {
      return Outcome.refused;
    }
    if (message.retain && this.#context.settings.retainAvailable) {
      // What is refused must not be retained, either.
      if (delivery.refuses(route, message)) return Outcome.refused;
      if (!retained.set(message)) {
        this.#context.dropped("retained-full", message, clientId);
        if (message.qos > 0) return Outcome.refused;
      }
    }
    return delivery.message(route, message);
  }

  /** Whether the message would have to be kept for somebody, and there is no memory for it. */
  #cannotKeep(route: Route<Receiver>, message: Message, clientId: string | null): boolean {
    const { memory, delivery } = this.#host;
    if (message.qos === 0 || memory.mayKeep(message.weight)) return false;
    if (!delivery.keeps(route)) return false;
    this.#context.limited("memory", null, clientId);
    return true;
  }

  /** Whether the message must survive, and the store cannot take it. */
  cannotStore(route: Route<Receiver>, message: Message): boolean {
    const { journal, delivery } = this.#host;
    if (message.qos === 0 || journal === null || !journal.isFull) return false;
    return message.retain || delivery.isDurable(route);
  }

  /** Calls the hook for every message of a run. */
  announce(run: Run, clientId: string | null): void {
    for (const message of run.messages()) this.#context.published(message, clientId);
  }
}
