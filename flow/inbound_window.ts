/**
 * The QoS 2 messages that a receiver has accepted and that the sender has not
 * yet released: a repeated PUBLISH among them is acknowledged and otherwise
 * left alone [MQTT-4.3.3-10].
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

  /** Takes note of an accepted message. */
  accept(packetId: number): void {
    this.#ids.add(packetId);
  }

  /** Ends the exchange on PUBREL. Returns whether there was one. */
  release(packetId: number): boolean {
    return this.#ids.delete(packetId);
  }
}
