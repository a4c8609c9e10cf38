/** The QoS 2 messages that a receiver has accepted and that are not released. */

/**
 * The QoS 2 messages that a receiver has accepted and that the sender has not released yet. A
 * repeated PUBLISH of one of them is acknowledged and not delivered again [MQTT-4.3.3-10].
 */
export class InboundWindow {
  readonly #ids = new Set<number>();

  /** How many messages wait for PUBREL. */
  get size(): number {
    return this.#ids.size;
  }

  /** The identifiers of those messages. */
  ids(): Iterable<number> {
    return this.#ids;
  }

  /** Whether the message was accepted before. */
  has(packetId: number): boolean {
    return this.#ids.has(packetId);
  }

  /** Records an accepted message. */
  accept(packetId: number): void {
    this.#ids.add(packetId);
  }

  /** Ends the exchange on PUBREL. Returns whether there was one. */
  release(packetId: number): boolean {
    return this.#ids.delete(packetId);
  }
}
