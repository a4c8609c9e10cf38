import { type AckPacket, ProtocolError, type PublishPacket, ReasonCode } from "../codec/mod.ts";
import { InboundWindow } from "../flow/inbound_window.ts";
import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import { topicNameFault } from "../router/topic.ts";
import type { Link } from "./link.ts";
import { type ClientMessage, Delivery, messageOf } from "./message.ts";
import type { SubscriptionBuffer } from "./subscription_buffer.ts";
import type { Unclaimed } from "./unmatched_messages.ts";

/** Who gets a message. */
export type Route = (message: ClientMessage) => readonly SubscriptionBuffer[];

/**
 * The messages from the server. Those of QoS 1 and 2 are acknowledged once the
 * program has taken them, in the order in which they came [MQTT-4.6.0-2]
 * [MQTT-4.6.0-3]; so the Receive Maximum slows the server down to the pace of
 * the program.
 *
 * A server that sends more than that is not cut off for it: some do, and would
 * do it again. Nothing more is read then once the subscriptions are full.
 */
export class Incoming {
  readonly #route: Route;
  #link: Link | null = null;
  /** QoS 2 messages that were accepted, and not yet released. */
  #window = new InboundWindow();
  /** Messages that are not acknowledged, by packet identifier. */
  readonly #held = new Map<number, Delivery>();
  /** Of those the ones that came on this connection, in order. */
  #order: Cursor<Delivery> = newOrder();
  readonly #unclaimed: Unclaimed;
  #keepsUnclaimed = false;
  #isClosed = false;
  #dropped = 0;

  /**
   * @param route Finds who gets a message.
   * @param unclaimed Where messages wait that nobody gets yet.
   */
  constructor(route: Route, unclaimed: Unclaimed) {
    this.#route = route;
    this.#unclaimed = unclaimed;
  }

  /** Messages that came for no subscription, and were dropped. */
  get dropped(): number {
    return this.#dropped + this.#unclaimed.dropped;
  }

  /** Begins on a new connection. */
  attach(link: Link, isFirst: boolean): void {
    this.#link = link;
    this.#order = newOrder();
    const { sessionPresent } = link.server;
    // Somebody else made the subscriptions of this session: ours may be late.
    if (isFirst) this.#keepsUnclaimed = sessionPresent;
    for (const delivery of this.#held.values()) {
      delivery.hasArrived = false;
      if (!sessionPresent) delivery.isVoid = true;
    }
    if (sessionPresent) return;
    this.#held.clear();
    this.#window = new InboundWindow();
  }

  /** Ends on a connection. */
  detach(): void {
    this.#link = null;
  }

  /**
   * Takes a PUBLISH.
   *
   * @throws {ProtocolError} If the server must not have sent it.
   */
  received(packet: PublishPacket): void {
    const topic = this.#link!.incomingAliases.topicOf(packet);
    const fault = topicNameFault(topic);
    if (fault !== null) {
      throw new ProtocolError(`A topic ${fault}`, 0, "MQTT-3.3.2-2", ReasonCode.TopicNameInvalid);
    }
    if (packet.qos > 0 && this.#isRepeated(packet)) return;
    this.#deliver(packet, messageOf(packet, topic));
  }

  /** Takes a PUBREL. */
  released({ packetId }: AckPacket): void {
    const isKnown = this.#window.release(packetId);
    const held = this.#held.get(packetId);
    // It did not wait for PUBREC: so there is none to send any more.
    if (held !== undefined && held.message.qos === 2) this.#forget(held);
    const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
    this.#send("pubcomp", packetId, reasonCode);
  }

  /** Hands over what a new subscription could not get when it came. */
  claim(buffer: SubscriptionBuffer, matches: (topic: string) => boolean): void {
    for (const delivery of this.#unclaimed.claim(matches)) buffer.put(delivery);
  }

  /** Lets go of what came for a filter that has ended. */
  forgo(matches: (topic: string) => boolean): void {
    this.#unclaimed.forgo(matches);
  }

  /** Keeps a message that nobody gets for a subscription to come, if one may. */
  keep(delivery: Delivery): void {
    // The program has ended, not its session: the server keeps what comes now.
    if (this.#isClosed) return;
    if (this.#keepsUnclaimed) return this.#unclaimed.put(delivery);
    this.#dropped++;
    delivery.take();
  }

  /**
   * Acknowledges all that was taken, and from here on nothing. That skips what
   * was not taken, which holds up nothing any more: the acknowledgements that
   * are sent are in order, and the server brings the others again.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unclaimed.close();
    for (let next = this.#order.next(); next !== undefined; next = this.#order.next()) {
      if (next.isTaken) this.#answer(next);
    }
  }

  /** Deals with a message that is held, or was acknowledged, already. */
  #isRepeated({ packetId, qos, dup }: PublishPacket): boolean {
    const held = this.#held.get(packetId);
    // A QoS 1 identifier is free for another message, if the server has given up the first.
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

  /** Acknowledges what was taken, up to the first that was not. */
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

/** A queue of deliveries, and the position of the first that is not acknowledged. */
function newOrder(): Cursor<Delivery> {
  return new Log<Delivery>({ segmentItems: 16 }).cursor();
}
