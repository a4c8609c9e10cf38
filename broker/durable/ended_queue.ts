import type { Flight } from "../../flow/outbound_window.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { DurableBacklog } from "./durable_backlog.ts";
import { storedOf } from "./stored_inflight.ts";

/**
 * What a durable session leaves behind when it ends: messages of shared
 * subscriptions, which go to other members of their groups [MQTT-4.8.2-4]. They
 * may have to be loaded, page by page; until the last is handed over the row of
 * the session stays, so that a crash loses none of them.
 */
export class Leaving {
  readonly #context: BrokerContext;
  readonly #delivery: Delivery;
  readonly #clientId: string;
  readonly #backlog: DurableBacklog;
  /** A QoS 2 message under way is nobody else's [MQTT-4.8.2-5]. */
  readonly #flights: Flight<InflightMessage>[];
  readonly #done: () => void;
  readonly #released: (flight: Flight<InflightMessage>) => void;
  #isLoading = false;

  /**
   * @param released Called when a flight was handed over.
   * @param done Called when nothing is left.
   */
  constructor(
    context: BrokerContext,
    delivery: Delivery,
    clientId: string,
    backlog: DurableBacklog,
    flights: readonly Flight<InflightMessage>[],
    released: (flight: Flight<InflightMessage>) => void,
    done: () => void,
  ) {
    this.#context = context;
    this.#delivery = delivery;
    this.#clientId = clientId;
    this.#backlog = backlog;
    this.#flights = [...flights];
    this.#released = released;
    this.#done = done;
  }

  /** Goes on as far as it can without loading anything. */
  run(): void {
    while (this.#flights.length > 0) {
      const flight = this.#flights[0]!;
      if (!this.#handOverFlight(flight)) return;
      this.#flights.shift();
      this.#released(flight);
    }
    for (let entry = this.#backlog.peek(); entry !== null; entry = this.#backlog.peek()) {
      const { message, place } = entry;
      const { shared } = this.#backlog.variant;
      this.#backlog.shift();
      if (message === null || place.isRevoked) continue;
      if (shared !== null && this.#delivery.handOver(message, shared)) continue;
      this.#context.dropped("session-ended", message, this.#clientId);
    }
    if (this.#backlog.messages === 0) this.#done();
  }

  /** Returns false if it has to be loaded first. */
  #handOverFlight(flight: Flight<InflightMessage>): boolean {
    const { hold, variant } = storedOf(flight);
    if (flight.phase !== "puback" || variant.shared === null || hold === null || hold.isGone) {
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
    if (!this.#delivery.handOver(message, variant.shared)) {
      this.#context.dropped("session-ended", message, this.#clientId);
    }
    return true;
  }
}
