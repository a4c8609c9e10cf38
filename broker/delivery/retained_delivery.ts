import type { Variant } from "../../router/variant.ts";
import type { RetainedWalk } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** Retained messages that are sent in one go; then others have their turn. */
const PAGE_MESSAGES = 32;

/** The retained messages that a new subscription is still to be sent. */
export class RetainedFeed {
  readonly #walk: RetainedWalk;

  /**
   * @param filter What the messages match.
   * @param variant How they are sent.
   * @param noLocal Whether the subscriber's own are left out [MQTT-3.8.3-3].
   */
  constructor(
    readonly filter: string,
    walk: RetainedWalk,
    readonly variant: Variant,
    readonly noLocal: boolean,
  ) {
    this.#walk = walk;
  }

  /** Hands over the next page. Returns false when there are no more. */
  next(receiver: Receiver): boolean {
    const page = this.#walk.next(PAGE_MESSAGES);
    if (page === null) return false;
    for (const message of page) {
      if (this.noLocal && message.publisher === receiver.clientId) continue;
      receiver.receive(message, this.variant);
    }
    return true;
  }
}
