/** A received message, and its acknowledgement when all have taken it. */
import type { Properties, PublishPacket, QoS } from "../codec/mod.ts";

/** A message from the server. */
export interface ClientMessage {
  /** The topic. */
  readonly topic: string;
  /** The payload. The program may keep the bytes. */
  readonly payload: Uint8Array;
  /** The QoS of the PUBLISH from the server. */
  readonly qos: QoS;
  /**
   * The RETAIN flag: whether the message was retained before the subscription was made or, with
   * Retain As Published, whether it was published with RETAIN.
   */
  readonly retain: boolean;
  /** The DUP flag: whether the server may have sent the message before. */
  readonly dup: boolean;
  /** The Packet Identifier, or 0 at QoS 0. It is useful only for logs. */
  readonly packetId: number;
  /** The properties: Content Type, Response Topic, User Properties and so on; empty in 3.1.1. */
  readonly properties: Properties;
}

/** Bytes that a message counts for, besides its topic and payload. */
const MESSAGE_BYTES = 128;

/** Makes a message of a packet. It copies everything that is borrowed. */
export function messageOf(packet: PublishPacket, topic: string): ClientMessage {
  const { topicAlias: _, ...properties } = packet.properties;
  const { correlationData } = properties;
  if (correlationData !== undefined) properties.correlationData = correlationData.slice();
  const { qos, retain, dup, packetId } = packet;
  return { topic, payload: packet.payload.slice(), qos, retain, dup, packetId, properties };
}

/**
 * A message on its way to the program. It may be acknowledged when all subscriptions that it was
 * given to have taken it. Whether it can be acknowledged is set by `incoming.ts`, when connections
 * and sessions change.
 */
export class Delivery {
  /** The bytes that it counts for in all limits. */
  readonly bytes: number;
  /** Whether it arrived on this connection, so that it can be acknowledged on it. */
  hasArrived = true;
  /** Whether an acknowledgement would be for another message, or another session. */
  isVoid = false;
  readonly #onSettled: (delivery: Delivery) => void;
  #takers: number;

  readonly message: ClientMessage;
  /** 0 with QoS 0. */
  readonly packetId: number;

  /**
   * @param packetId 0 with QoS 0.
   * @param takers How many subscriptions it is given to.
   * @param onSettled Called once all have taken it.
   */
  constructor(
    message: ClientMessage,
    packetId: number,
    takers: number,
    onSettled: (delivery: Delivery) => void,
  ) {
    this.message = message;
    this.packetId = packetId;
    this.bytes = MESSAGE_BYTES + message.topic.length * 2 + message.payload.length;
    this.#takers = takers;
    this.#onSettled = onSettled;
  }

  /** Whether all have taken it. */
  get isTaken(): boolean {
    return this.#takers === 0;
  }

  /** One subscription has taken it, or has ended. */
  take(): void {
    if (--this.#takers === 0) this.#onSettled(this);
  }
}
