/** How an ended durable session hands over its messages of shared subscriptions [MQTT-4.8.2-4]. */
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { DurableBacklog } from "./durable_backlog.ts";
import { storedOf } from "./stored_inflight.ts";

/** The cost of handing over a message, in units of the turn budget. */
const UNITS_PER_MESSAGE = 4;

/** The messages that a durable session leaves, and callbacks for their progress. */
export interface EndedQueueOptions {
  readonly context: BrokerContext;
  readonly delivery: Pick<Delivery, "handOver">;
  /** The client identifier of the session. */
  readonly clientId: string;
  readonly backlog: DurableBacklog;
  /** The messages in flight. A QoS 2 message that was sent is not handed over [MQTT-4.8.2-5]. */
  readonly exchanges: readonly PublishExchange<InflightMessage>[];
  /** Called when a message in flight was handed over. */
  onReleased(exchange: PublishExchange<InflightMessage>): void;
  /** Called when all are handed over. */
  onDone(): void;
}

/**
 * Hands over the messages of shared subscriptions of an ended durable session to other members of
 * their groups [MQTT-4.8.2-4]. They may have to be loaded, page by page. Until the last one is
 * handed over the row of the session stays, so that a crash loses none of them. Many messages take
 * several turns.
 */
export class EndedQueue {
  readonly #options: EndedQueueOptions;
  readonly #exchanges: PublishExchange<InflightMessage>[];
  #isLoading = false;
  /** Whether the next turn is scheduled. */
  #isCut = false;

  constructor(options: EndedQueueOptions) {
    this.#options = options;
    this.#exchanges = [...options.exchanges];
  }

  /** Continues as far as possible in this turn without loading. */
  run(): void {
    if (this.#isCut) return;
    const { context: { turns }, backlog, onReleased: released, onDone: done } = this.#options;
    while (this.#exchanges.length > 0) {
      const exchange = this.#exchanges[0]!;
      if (!this.#handOverExchange(exchange)) return;
      this.#exchanges.shift();
      released(exchange);
      if (turns.spend(UNITS_PER_MESSAGE)) return this.#goOnLater();
    }
    for (let entry = backlog.peek(); entry !== null; entry = backlog.peek()) {
      const { message, place } = entry;
      const { shared } = backlog.variant;
      backlog.shift();
      if (message === null || place.isRevoked) continue;
      this.#handOver(message, shared);
      if (turns.spend(UNITS_PER_MESSAGE)) return this.#goOnLater();
    }
    if (backlog.messages === 0) done();
  }

  #goOnLater(): void {
    this.#isCut = true;
    this.#options.context.turns.later(() => {
      this.#isCut = false;
      this.run();
    });
  }

  /**
   * Delivers a message to another member of its group. If there is none, it is dropped and counted.
   */
  #handOver(message: Message, shared: string | null): void {
    const { context, delivery, clientId } = this.#options;
    if (shared !== null && delivery.handOver(message, shared)) return;
    context.reportDrop("session-ended", message, clientId);
  }

  /** Returns false if it must be loaded first. */
  #handOverExchange(exchange: PublishExchange<InflightMessage>): boolean {
    const { hold, variant } = storedOf(exchange);
    if (exchange.phase !== "puback" || variant.shared === null || hold === null || hold.isRemoved) {
      return true;
    }
    const { entry } = hold;
    if (entry === null) {
      if (this.#isLoading) return false;
      this.#isLoading = true;
      hold.load(() => {
        this.#isLoading = false;
        this.run();
      });
      return false;
    }
    const { message } = entry;
    if (message === null || entry.place.isRevoked) return true;
    this.#handOver(message, variant.shared);
    return true;
  }
}
