import type { Properties, PublishPacket, QoS } from "../codec/mod.ts";

/** A message from the server. */
export interface ClientMessage {
  /** The topic. */
  readonly topic: string;
  /** The payload; the program's own. */
  readonly payload: Uint8Array;
  /** The QoS at which it came. */
  readonly qos: QoS;
  /** Whether it was retained before the subscription was made, or as it was published. */
  readonly retain: boolean;
  /** Whether the server has sent it before, perhaps in vain. */
  readonly dup: boolean;
  /** The number it travelled under, 0 at QoS 0; of use in a log alone. */
  readonly packetId: number;
  /** Content type, response topic, user properties and so on; empty in 3.1.1. */
  readonly properties: Properties;
}

/** Bytes that a message is taken for beside its topic and payload. */
const MESSAGE_BYTES = 128;

/** Makes a message of a packet, with nothing in it that is borrowed. */
export function messageOf(packet: PublishPacket, topic: string): ClientMessage {
  const { topicAlias: _, ...properties } = packet.properties;
  const { correlationData } = properties;
  if (correlationData !== undefined) properties.correlationData = correlationData.slice();
  const { qos, retain, dup, packetId } = packet;
  return { topic, payload: packet.payload.slice(), qos, retain, dup, packetId, properties };
}

/**
 * A message on its way to the program. It is settled, and may be acknowledged,
 * once everyone it was given to has taken it.
 */
export class Delivery {
  /** What it weighs in all limits. */
  readonly bytes: number;
  /** Whether it came on this connection, and so can be acknowledged on it. */
  hasArrived = true;
  /** Whether an acknowledgement would be for another message, or another session. */
  isVoid = false;
  readonly #settled: (delivery: Delivery) => void;
  #takers: number;

  /**
   * @param packetId 0 with QoS 0.
   * @param takers How many it is given to.
   * @param settled Called once all have taken it.
   */
  constructor(
    readonly message: ClientMessage,
    readonly packetId: number,
    takers: number,
    settled: (delivery: Delivery) => void,
  ) {
    this.bytes = MESSAGE_BYTES + message.topic.length * 2 + message.payload.length;
    this.#takers = takers;
    this.#settled = settled;
  }

  /** Whether all have taken it. */
  get isTaken(): boolean {
    return this.#takers === 0;
  }

  /** One of them has taken it, or does not want it any more. */
  take(): void {
    if (--this.#takers === 0) this.#settled(this);
  }
}
