/** The messages to the server, until they are acknowledged. */
import {
  type AckPacket,
  packetSize,
  ProtocolError,
  type PublishPacket,
  ReasonCode,
  type SubackPacket,
  type UnsubackPacket,
} from "../codec/mod.ts";
import { OutboundWindow, type PublishExchange } from "../flow/outbound_window.ts";
import type { Cursor } from "../log/cursor.ts";
import { Log } from "../log/log.ts";
import { Receipt } from "../log/receipt.ts";
import { DisconnectedError, PublishError, QueueFullError, TimeoutError } from "./errors.ts";
import type { ClientLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import { OutgoingMessage, type PublishResult } from "./publish.ts";
import type { Clock } from "../transport/clock.ts";

/** A SUBSCRIBE or UNSUBSCRIBE that waits for its answer. */
export interface Asked {
  /** The answer has arrived. */
  onAnswer(packet: SubackPacket | UnsubackPacket): void;
}

type Outstanding = OutgoingMessage | Asked;

/** Small, so that sent messages become garbage soon. */
const SEGMENT = { segmentItems: 32, segmentWeight: 65_536 };

/**
 * The messages to the server, in the order in which they were published. Some wait for a connection
 * or for the server's Receive Maximum, and some are in flight.
 *
 * SUBSCRIBE and UNSUBSCRIBE take their packet identifiers from the same window, because all packets
 * share one set of identifiers.
 */
export class Outgoing {
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #window: OutboundWindow<Outstanding>;
  readonly #queue: Cursor<OutgoingMessage>;
  /** Messages of a lost session, which are published again before all others. */
  #again: OutgoingMessage[] = [];
  #link: Link | null = null;
  /** Open while a caller waits until everything is settled. */
  #idle: Receipt | null = null;

  /** Makes an empty one. */
  constructor(limits: ClientLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#window = new OutboundWindow(limits.inflightMax);
    const log = new Log<OutgoingMessage>({ ...SEGMENT, weigh: ({ payload }) => payload.length });
    this.#queue = log.cursor();
  }

  /** How many messages wait to be sent. */
  get waiting(): number {
    return this.#queue.lag + this.#again.length;
  }

  /**
   * Takes over a message. The message receives a later error.
   *
   * @throws {RangeError | TypeError} If it cannot be written as a packet.
   */
  publish(message: OutgoingMessage): void {
    // A packet that cannot be written is the caller's error, so it is reported at once.
    packetSize(packetOf(message, message.qos === 0 ? 0 : 1, false), 5);
    const { queueMessagesMax, queueBytesMax } = this.#limits;
    const waitingBytes = this.#queue.log.weight - this.#queue.weight;
    if (this.waiting >= queueMessagesMax || waitingBytes >= queueBytesMax) {
      const message_ = `Cannot publish to "${message.topic}": ${this.waiting} messages wait`;
      return message.fail(new QueueFullError(message_));
    }
    this.#queue.log.append(message);
    this.pump();
  }

  /** Begins on a new connection; {@linkcode pump} then sends what has to be sent again. */
  attach(link: Link): void {
    this.#link = link;
    if (!link.server.sessionPresent) this.#loseSession();
    this.#window.resume(Math.min(link.server.receiveMaximum, this.#limits.inflightMax));
  }

  /** The connection has ended. Requests are made again on the next one. */
  detach(): void {
    this.#link = null;
    for (const exchange of this.#window.exchanges()) {
      if (!(exchange.message instanceof OutgoingMessage)) this.#window.close(exchange);
    }
  }

  /** Gives a request a packet identifier, until it is answered or the connection is lost. */
  ask(asked: Asked): number {
    return this.#window.open(1, asked).packetId;
  }

  /**
   * Takes the answer to a request.
   *
   * @throws {ProtocolError} If no such request is open.
   */
  onAnswer(packet: SubackPacket | UnsubackPacket): void {
    const exchange = this.#window.get(packet.packetId);
    const asked = exchange?.message;
    if (!exchange || !asked || asked instanceof OutgoingMessage) throw unexpected(packet);
    this.#window.close(exchange);
    asked.onAnswer(packet);
    this.pump();
  }

  /**
   * Takes PUBACK, PUBREC or PUBCOMP.
   *
   * @throws {ProtocolError} If it does not belong to the message's QoS.
   */
  onAck(packet: AckPacket): void {
    const exchange = this.#window.get(packet.packetId);
    if (exchange === null) {
      // It was settled before the connection was lost, or it is not from this client.
      if (packet.type === "pubrec") this.#release(packet.packetId, false);
      return;
    }
    const { message } = exchange;
    if (!(message instanceof OutgoingMessage)) throw unexpected(packet);
    if (packet.type === "puback") this.#puback(packet, exchange, message);
    else if (packet.type === "pubrec") this.#pubrec(packet, exchange, message);
    else this.#pubcomp(packet, exchange, message);
    this.pump();
  }

  /** Sends what the limits and the server allow. */
  pump(): void {
    const link = this.#link;
    if (link === null) return;
    while (this.#window.resending && link.hasRoom) {
      const exchange = this.#window.nextResend();
      if (exchange === null) break;
      this.#resend(link, exchange);
    }
    while (!this.#window.resending && link.hasRoom) {
      const message = this.#again[0] ?? this.#queue.peek();
      if (message === undefined) break;
      const mustWait = message.qos > 0 && this.#window.quota === 0;
      if (mustWait && !message.isWithdrawn) break;
      if (this.#again.length > 0) this.#again.shift();
      else this.#queue.next();
      if (!message.isWithdrawn) this.#send(link, message);
    }
    if (this.#idle !== null && this.#isIdle()) this.#idle.close();
  }

  /** Waits until no message waits or is in flight. */
  async idle(signal: AbortSignal): Promise<void> {
    this.#idle = new Receipt();
    this.pump();
    await this.#idle.wait(signal);
  }

  /** Rejects everything that waits or is in flight. */
  fail(error: Error): void {
    for (const message of this.#again.splice(0)) message.fail(error);
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) {
      next.fail(error);
    }
    for (const exchange of this.#window.exchanges()) {
      if (exchange.message instanceof OutgoingMessage) exchange.message.fail(error);
      this.#window.close(exchange);
    }
  }

  #isIdle(): boolean {
    const isMessage = ({ message }: PublishExchange<Outstanding>) =>
      message instanceof OutgoingMessage;
    return this.waiting === 0 && !this.#window.exchanges().some(isMessage);
  }

  #send(link: Link, message: OutgoingMessage): void {
    if (this.#secondsLeft(message) === 0) {
      const late = `The message to "${message.topic}" expired before it could be sent`;
      return message.fail(new TimeoutError(late));
    }
    const exchange = message.qos === 0 ? null : this.#window.open(message.qos, message);
    try {
      link.publish(this.#packet(message, exchange?.packetId ?? 0, false), message);
    } catch (error) {
      if (exchange !== null) this.#window.close(exchange);
      message.fail(error);
    }
  }

  #resend(link: Link, exchange: PublishExchange<Outstanding>): void {
    if (exchange.phase === "pubcomp") return this.#release(exchange.packetId, true);
    const message = exchange.message as OutgoingMessage;
    try {
      link.publish(this.#packet(message, exchange.packetId, true), message);
    } catch (error) {
      // The server accepts less than on the last connection.
      this.#window.close(exchange);
      message.fail(error);
    }
  }

  /** Handles the messages in flight of a session that the server has lost. */
  #loseSession(): void {
    for (const exchange of this.#window.exchanges()) {
      const message = exchange.message as OutgoingMessage;
      this.#window.close(exchange);
      if (exchange.phase === "puback") this.#again.push(message);
      else if (exchange.phase === "pubcomp") message.complete(resultOf(null));
      else {
        const lost = `The session is lost: whether the message to "${message.topic}" was published`;
        message.fail(new DisconnectedError(`${lost} is unknown`));
      }
    }
  }

  #puback(
    packet: AckPacket,
    exchange: PublishExchange<Outstanding>,
    message: OutgoingMessage,
  ): void {
    if (exchange.phase !== "puback") throw unexpected(packet);
    this.#window.close(exchange);
    if (packet.reasonCode >= 0x80) message.fail(refusal(packet, message));
    else message.complete(resultOf(packet));
  }

  #pubrec(
    packet: AckPacket,
    exchange: PublishExchange<Outstanding>,
    message: OutgoingMessage,
  ): void {
    if (exchange.phase === "puback") throw unexpected(packet);
    if (packet.reasonCode >= 0x80) {
      this.#window.close(exchange);
      return message.fail(refusal(packet, message));
    }
    exchange.phase = "pubcomp";
    message.acknowledge(resultOf(packet));
    this.#release(packet.packetId, true);
  }

  #pubcomp(
    packet: AckPacket,
    exchange: PublishExchange<Outstanding>,
    message: OutgoingMessage,
  ): void {
    if (exchange.phase !== "pubcomp") throw unexpected(packet);
    this.#window.close(exchange);
    // If the server no longer knows the identifier, that is not an error here (§3.7.2.1).
    message.complete(resultOf(packet));
  }

  #release(packetId: number, isKnown: boolean): void {
    const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
    this.#link?.send({ type: "pubrel", packetId, reasonCode, properties: {} });
  }

  /** The rest of the Message Expiry Interval, in seconds; `null` if the message does not expire. */
  #secondsLeft({ properties, atMs }: OutgoingMessage): number | null {
    const { messageExpiryInterval } = properties;
    if (messageExpiryInterval === undefined) return null;
    const elapsed = Math.floor((this.#clock.now() - atMs) / 1000);
    return Math.max(0, messageExpiryInterval - elapsed);
  }

  #packet(message: OutgoingMessage, packetId: number, dup: boolean): PublishPacket {
    const packet = packetOf(message, packetId, dup);
    const secondsLeft = this.#secondsLeft(message);
    if (secondsLeft === null) return packet;
    const properties = { ...packet.properties, messageExpiryInterval: secondsLeft };
    return { ...packet, properties };
  }
}

function packetOf(message: OutgoingMessage, packetId: number, dup: boolean): PublishPacket {
  const { topic, payload, qos, retain, properties } = message;
  return { type: "publish", topic, payload, qos, retain, dup, packetId, properties };
}

function resultOf(packet: AckPacket | null): PublishResult {
  return {
    reasonCode: packet?.reasonCode ?? ReasonCode.Success,
    reasonString: packet?.properties.reasonString ?? null,
    userProperties: packet?.properties.userProperties ?? [],
  };
}

function refusal({ reasonCode, properties }: AckPacket, { topic }: OutgoingMessage): PublishError {
  const { reasonString } = properties;
  return new PublishError(`The message to "${topic}" was refused`, { reasonCode, reasonString });
}

function unexpected({ type, packetId }: { type: string; packetId: number }): ProtocolError {
  return new ProtocolError(`A ${type} for ${packetId} is out of place`, 0, "§4.3");
}
