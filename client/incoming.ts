/** The messages from the server, until the program has taken them. */
import { type AckPacket, ProtocolError, type PublishPacket, ReasonCode } from "../codec/mod.ts";
import { InboundWindow } from "../flow/inbound_window.ts";
import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import { topicNameFault } from "../router/topic.ts";
import type { Link } from "./link.ts";
import { type ClientMessage, Delivery, messageOf } from "./message.ts";
import type { SubscriptionBuffer } from "./subscription_buffer.ts";
import type { UnmatchedMessages } from "./unmatched_messages.ts";

/** Finds the subscriptions that a message is for. */
export type Route = (message: ClientMessage) => readonly SubscriptionBuffer[];

/**
 * The messages from the server. QoS 1 and 2 messages are acknowledged when the program has taken
 * them, in the order in which they arrived [MQTT-4.6.0-2] [MQTT-4.6.0-3]. So the Receive Maximum
 * slows the server down to the speed of the program.
 *
 * Some servers send more than the Receive Maximum. They are not disconnected, because they would do
 * it again after the reconnect. Reading stops when the subscriptions are full.
 */
export class Incoming {
  readonly #route: Route;
  #link: Link | null = null;
  /** QoS 2 messages that were accepted and not released yet. */
  #window = new InboundWindow();
  /** Messages that are not acknowledged, by packet identifier. */
  readonly #held = new Map<number, Delivery>();
  /** Those of them that arrived on this connection, in order. */
  #order: Cursor<Delivery> = newOrder();
  readonly #unmatched: UnmatchedMessages;
  #keepsUnmatched = false;
  #isClosed = false;
  #dropped = 0;

  /**
   * @param route Finds the subscriptions that a message is for.
   * @param unmatched Holds messages that match no subscription yet.
   */
  constructor(route: Route, unmatched: UnmatchedMessages) {
    this.#route = route;
    this.#unmatched = unmatched;
  }

  /** How many messages were dropped because no subscription matched them. */
  get dropped(): number {
    return this.#dropped + this.#unmatched.dropped;
  }

  /** Begins on a new connection. */
  attach(link: Link, isFirst: boolean): void {
    this.#link = link;
    this.#order = newOrder();
    const { sessionPresent } = link.server;
    // An earlier program made the subscriptions of this session, so this program's may come later.
    if (isFirst) this.#keepsUnmatched = sessionPresent;
    for (const delivery of this.#held.values()) {
      delivery.hasArrived = false;
      if (!sessionPresent) delivery.isVoid = true;
    }
    if (sessionPresent) return;
    this.#held.clear();
    this.#window = new InboundWindow();
  }

  /** The connection has ended. */
  detach(): void {
    this.#link = null;
  }

  /**
   * Takes a PUBLISH.
   *
   * @throws {ProtocolError} If the protocol does not allow the packet.
   */
  onPublish(packet: PublishPacket): void {
    const topic = this.#link!.incomingAliases.topicOf(packet);
    const fault = topicNameFault(topic);
    if (fault !== null) {
      throw new ProtocolError(`A topic ${fault}`, 0, "MQTT-3.3.2-2", ReasonCode.TopicNameInvalid);
    }
    if (packet.qos > 0 && this.#isRepeated(packet)) return;
    this.#deliver(packet, messageOf(packet, topic));
  }

  /** Takes a PUBREL. */
  onPubrel({ packetId }: AckPacket): void {
    const isKnown = this.#window.release(packetId);
    const held = this.#held.get(packetId);
    // The server did not wait for the PUBREC, so none is sent.
    if (held !== undefined && held.message.qos === 2) this.#forget(held);
    const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
    this.#send("pubcomp", packetId, reasonCode);
  }

  /** Gives a new subscription the messages that arrived before it. */
  claim(buffer: SubscriptionBuffer, matches: (topic: string) => boolean): void {
    for (const delivery of this.#unmatched.claim(matches)) buffer.put(delivery);
  }

  /** Discards messages of a filter that has ended. */
  forgo(matches: (topic: string) => boolean): void {
    this.#unmatched.forgo(matches);
  }

  /** Keeps a message that matches no subscription for a later one, if the limits allow it. */
  keep(delivery: Delivery): void {
    // The program has ended but not its session, so the server keeps what arrives now.
    if (this.#isClosed) return;
    if (this.#keepsUnmatched) return this.#unmatched.put(delivery);
    this.#dropped++;
    delivery.take();
  }

  /**
   * Acknowledges everything that was taken, and nothing from now on. Messages that were not taken
   * are skipped. The acknowledgements are still in order, and the server sends the skipped messages
   * again.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unmatched.close();
    for (let next = this.#order.next(); next !== undefined; next = this.#order.next()) {
      if (next.isTaken) this.#answer(next);
    }
  }

  /** Handles a message that is already held, or was already acknowledged. */
  #isRepeated({ packetId, qos, dup }: PublishPacket): boolean {
    const held = this.#held.get(packetId);
    // The server may use a QoS 1 identifier for another message, if it has given up the first one.
    const isSame = qos === 2 ? this.#window.has(packetId) : dup && held?.hasArrived === false;
    if (!isSame) {
      if (held !== undefined) this.#forget(held);
      return false;
    }
    if (held === undefined) {
      this.#send("pubrec", packetId, ReasonCode.Success);
    } else if (!held.hasArrived) {
      held.hasArrived = true;
      this.#order.log.append(held);
      this.#acknowledge();
    }
    return true;
  }

  #deliver({ packetId, qos }: PublishPacket, message: ClientMessage): void {
    const takers = this.#route(message);
    const delivery = new Delivery(
      message,
      packetId,
      Math.max(1, takers.length),
      qos === 0 ? () => {} : () => this.#acknowledge(),
    );
    if (qos > 0) {
      if (qos === 2) this.#window.accept(packetId);
      this.#held.set(packetId, delivery);
      this.#order.log.append(delivery);
    }
    for (const taker of takers) taker.put(delivery);
    if (takers.length === 0) this.keep(delivery);
  }

  /** Acknowledges what was taken, up to the first message that was not. */
  #acknowledge(): void {
    if (this.#isClosed) return;
    for (;;) {
      const delivery = this.#order.peek();
      if (delivery === undefined || !(delivery.isTaken || delivery.isVoid)) return;
      this.#order.next();
      this.#answer(delivery);
    }
  }

  #answer(delivery: Delivery): void {
    if (delivery.isVoid || this.#link === null) return;
    const { packetId, message } = delivery;
    this.#held.delete(packetId);
    this.#send(message.qos === 1 ? "puback" : "pubrec", packetId, ReasonCode.Success);
  }

  #forget(delivery: Delivery): void {
    delivery.isVoid = true;
    this.#held.delete(delivery.packetId);
  }

  #send(type: AckPacket["type"], packetId: number, reasonCode: number): void {
    this.#link?.send({ type, packetId, reasonCode, properties: {} });
  }
}

/** A queue of deliveries, with the position of the first one that is not acknowledged. */
function newOrder(): Cursor<Delivery> {
  return new Log<Delivery>({ segmentItems: 16 }).cursor();
}
