/** Publishes in `$SYS` which clients connect and disconnect. */
import type { ClientInfo } from "../auth/authenticator.ts";
import type { Broker } from "../broker/broker.ts";

/** Characters that have a meaning in topics, or must not be in them; `%` begins an escape. */
const RESERVED_REGEXP = /[%/+#\p{Cc}]/gu;

/**
 * Publishes which clients come and go, as JSON in `$SYS/broker/clients/<id>/connected` and
 * `…/disconnected`. The messages are not retained. In the client identifier, `%`, `/`, `+`, `#` and
 * control characters are percent-encoded.
 *
 * @example
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { PresenceTopics } from "@fairway/mqtt/admin";
 *
 * await using broker = new Broker();
 * const presence = new PresenceTopics(broker);
 * presence.stop();
 * ```
 */
export class PresenceTopics {
  readonly #broker: Broker;
  readonly #stopObserving: () => void;
  #isStopped = false;

  /** Publishes from now on. */
  constructor(broker: Broker) {
    this.#broker = broker;
    this.#stopObserving = broker.inspection.observe({
      connected: (client) => this.#publish("connected", client, {}),
      disconnected: (client, { by, reasonCode }) =>
        this.#publish("disconnected", client, { by, reasonCode }),
    });
  }

  /** Stops publishing. Stopping again does nothing. */
  stop(): void {
    this.#isStopped = true;
    this.#stopObserving();
  }

  #publish(
    event: "connected" | "disconnected",
    { clientId, username, address, protocolVersion, listener = "" }: ClientInfo,
    more: Readonly<Record<string, unknown>>,
  ): void {
    const { inspection, clock } = this.#broker;
    const time = inspection.timeOf(clock.now());
    const who = { clientId, username, address, protocolVersion, listener };
    const payload = JSON.stringify({ event, time, ...who, ...more });
    const name = clientId.replaceAll(RESERVED_REGEXP, encodeURIComponent);
    // The message is published after the broker has accepted the client, or its connection is over.
    queueMicrotask(() => {
      if (this.#isStopped) return;
      this.#broker.publish(`$SYS/broker/clients/${name}/${event}`, payload).catch((error) => {
        // A topic can be longer than the broker allows.
        if (!(error instanceof TypeError)) inspection.reportError(error);
      });
    });
  }
}
