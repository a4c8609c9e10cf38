/** The topic aliases of one connection of a client, in both directions. */
import { ProtocolError, type PublishPacket, ReasonCode } from "../codec/mod.ts";

/** Topics shorter than this gain nothing from an alias. */
const ALIAS_TOPIC_LENGTH_MIN = 6;

/**
 * The Topic Aliases that a client has assigned on one connection. When all are used, the least
 * recently used one is assigned again.
 */
export class OutgoingAliases {
  readonly #max: number;
  /** Aliases by topic, in the order of their last use. */
  readonly #aliases = new Map<string, number>();

  /** @param max How many the server and the client's own limits allow. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The packet with its alias. It is not remembered before {@linkcode note}. */
  apply(packet: PublishPacket): PublishPacket {
    const { topic } = packet;
    if (this.#max === 0 || topic.length < ALIAS_TOPIC_LENGTH_MIN) return packet;
    const known = this.#aliases.get(topic);
    const topicAlias = known ?? this.#next();
    const properties = { ...packet.properties, topicAlias };
    return { ...packet, topic: known === undefined ? topic : "", properties };
  }

  /** Remembers that the server will know the alias of a packet made by {@linkcode apply}. */
  note(topic: string, { properties: { topicAlias } }: PublishPacket): void {
    if (topicAlias === undefined) return;
    if (this.#aliases.get(topic) === undefined && this.#aliases.size === this.#max) {
      this.#aliases.delete(this.#oldest()!);
    }
    this.#aliases.delete(topic);
    this.#aliases.set(topic, topicAlias);
  }

  #next(): number {
    return this.#aliases.size < this.#max
      ? this.#aliases.size + 1
      : this.#aliases.get(this.#oldest()!)!;
  }

  #oldest(): string | undefined {
    return this.#aliases.keys().next().value;
  }
}

/** The Topic Aliases that a server has assigned on one connection. */
export class IncomingAliases {
  readonly #max: number;
  readonly #topics = new Map<number, string>();

  /** @param max The Topic Alias Maximum that was announced. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * The topic of a message.
   *
   * @throws {ProtocolError} If its alias is unknown or too high [MQTT-3.3.2-8].
   */
  topicOf({ topic, properties: { topicAlias } }: PublishPacket): string {
    if (topicAlias === undefined) return topic;
    const known = topic === "" ? this.#topics.get(topicAlias) : topic;
    if (topicAlias > this.#max || known === undefined) {
      const message = `Topic alias ${topicAlias} is unknown`;
      throw new ProtocolError(message, 0, "MQTT-3.3.2-8", ReasonCode.TopicAliasInvalid);
    }
    this.#topics.set(topicAlias, known);
    return known;
  }
}
