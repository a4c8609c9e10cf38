/** QoS 2 packet identifiers that the receiving broker may remember from a lost session. */
import type { Leg } from "./leg.ts";

/**
 * QoS 2 packet identifiers that go to a broker which has kept its session, while the broker that
 * they come from has lost its own. The receiver may hold an identifier for an old message, and would
 * take a new one with the same identifier for a repetition. So before the first use of each
 * identifier, the bridge releases it [MQTT-4.3.3-9].
 */
export class StalePacketIds {
  readonly #to: Leg;
  readonly #released = new Set<number>();
  readonly #awaited = new Set<number>();

  /** @param to The receiver. */
  constructor(to: Leg) {
    this.#to = to;
  }

  /** A message with this identifier is about to be sent. */
  beforeUse(packetId: number): void {
    if (this.#released.has(packetId)) return;
    this.#released.add(packetId);
    this.#awaited.add(packetId);
    this.#to.send({ type: "pubrel", packetId, reasonCode: 0, properties: {} });
  }

  /** Whether a PUBCOMP answers the bridge itself. */
  takes(packetId: number): boolean {
    return this.#awaited.delete(packetId);
  }
}
