/** The QoS 1 and 2 messages in flight to a client: how they are sent, resent and acknowledged. */
import { ProtocolError, ReasonCode } from "../../codec/mod.ts";
import {
  LOWER_IDS,
  OutboundWindow,
  type PublishExchange,
  UPPER_IDS,
} from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import { isReaderClientId } from "../base/stream_reader.ts";
import type { ClientLink } from "./client_link.ts";
import type { Message } from "../base/message.ts";
import { InflightMessage } from "./inflight_message.ts";

/** What {@linkcode InflightMessages} needs of its session. */
export interface InflightOwner {
  readonly clientId: string;
  /** Seconds the session outlives its connection. */
  readonly expirySeconds: number;
  /** Sends messages again, and releases them. */
  readonly queue: {
    resend(link: ClientLink, exchange: PublishExchange<InflightMessage>): void;
    release(exchange: PublishExchange<InflightMessage>, isRepeated: boolean): void;
    onAcknowledged(exchange: PublishExchange<InflightMessage>): void;
  };
  /** Whether the client may receive what is published to a topic. */
  mayReceive(topic: string): boolean;
  /** The exchange of a message is over: another may be sent. */
  onExchangeEnded(): void;
}

/**
 * The messages with an acknowledged QoS that are in flight to the client of a
 * session: sends them, now and again, and ends them as the client answers.
 */
export class InflightMessages {
  /** Their identifiers and phases, and the quota of the client. */
  readonly window: OutboundWindow<InflightMessage>;
  readonly #context: BrokerContext;
  readonly #session: InflightOwner;

  /** @param receiveMaximum How many unacknowledged messages the client takes. */
  constructor(context: BrokerContext, session: InflightOwner, receiveMaximum: number) {
    this.#context = context;
    this.#session = session;
    this.window = new OutboundWindow(receiveMaximum);
    this.#chooseIds();
  }

  /** The client is connected again: what is in flight is sent again [MQTT-4.4.0-1]. */
  resume(receiveMaximum: number): void {
    this.window.resume(receiveMaximum);
    this.#chooseIds();
  }

  /** What another node sends to the client, and what this one sends, have their own identifiers. */
  #chooseIds(): void {
    if (isReaderClientId(this.#session.clientId)) this.window.ids = UPPER_IDS;
    else if (this.#context.readsElsewhere) this.window.ids = LOWER_IDS;
  }

  /**
   * Whether the client takes one more message now, and no message of an earlier connection must be
   * sent first.
   */
  get mayOpen(): boolean {
    return this.window.mayOpen;
  }

  /** Begins the exchange of a message: sends it with a packet identifier. */
  send(link: ClientLink, message: Message, variant: Variant, qos: 1 | 2): void {
    const { window } = this;
    const session = this.#session;
    // A clean session is never resumed, so its messages are never sent again. But a message of a
    // shared group goes to another member when the session ends.
    const isKept = session.expirySeconds > 0 || variant.shared !== null;
    const sent = isKept ? new InflightMessage(message.keepBriefly(), variant, qos) : null;
    const exchange = window.open(qos, sent);
    if (link.send(message, variant, qos, exchange.packetId, false)) return;
    window.close(exchange);
    this.#context.reportDrop(link.whyUnsent(message), message, session.clientId);
  }

  /**
   * Sends the next message of an earlier connection again [MQTT-4.4.0-1].
   *
   * @returns False if there is no quota for it.
   */
  resendNext(link: ClientLink): boolean {
    const exchange = this.window.nextResend();
    if (exchange === null) return !this.window.resending;
    this.#session.queue.resend(link, exchange);
    return true;
  }

  /** Sends a message in flight, again or for the first time, or its PUBREL. */
  transmit(link: ClientLink, exchange: PublishExchange<InflightMessage>): void {
    const session = this.#session;
    const { packetId, message: sent } = exchange;
    if (exchange.phase === "pubcomp") return link.sendPubrel(packetId, ReasonCode.Success);
    const { message, variant, qos, wasSent } = sent!;
    if (message === null) return this.#giveUp(exchange);
    if (wasSent && !session.mayReceive(sent!.topic)) {
      this.#context.countWithheld(1);
      return this.#giveUp(exchange);
    }
    sent!.wasSent = true;
    if (link.send(message, variant, qos, packetId, wasSent)) return;
    sent!.onUnsent(this.#context, link.whyUnsent(message), session.clientId);
    sent!.wasSent = wasSent;
    this.#giveUp(exchange);
  }

  /**
   * Handles a PUBACK, if anything waits for an answer.
   *
   * @throws {ProtocolError} If that is a QoS 2 message.
   */
  puback(packetId: number, reasonCode: number): void {
    const exchange = this.window.get(packetId);
    if (exchange === null) return;
    if (exchange.phase !== "puback") throw misplaced("PUBACK", exchange);
    this.#finish(exchange, reasonCode);
  }

  /**
   * Handles a PUBREC: answers with PUBREL [MQTT-4.3.3-4], or ends the exchange
   * if the client has refused the message [MQTT-4.4.0-2].
   *
   * @returns False if nothing waited for an answer.
   * @throws {ProtocolError} If a QoS 1 message waits for it.
   */
  pubrec(packetId: number, reasonCode: number): boolean {
    const exchange = this.window.get(packetId);
    if (exchange === null) return false;
    if (exchange.phase === "puback") throw misplaced("PUBREC", exchange);
    if (reasonCode >= 0x80) this.#finish(exchange, reasonCode);
    else this.#release(exchange);
    return true;
  }

  /**
   * Handles a PUBCOMP, if anything waits for an answer.
   *
   * @throws {ProtocolError} If that is a QoS 1 message, or one that was not released.
   */
  pubcomp(packetId: number): void {
    const exchange = this.window.get(packetId);
    if (exchange === null) return;
    if (exchange.phase !== "pubcomp") throw misplaced("PUBCOMP", exchange);
    this.#finish(exchange, ReasonCode.Success);
  }

  /** QoS 1 messages of shared subscriptions, which another member gets when the session ends. */
  unacknowledgedShared(): InflightMessage[] {
    const messages: InflightMessage[] = [];
    // A QoS 2 message in flight must not go to another member [MQTT-4.8.2-5].
    for (const { phase, message: sent } of this.window.exchanges()) {
      if (phase === "puback" && sent?.variant.shared) messages.push(sent);
    }
    return messages;
  }

  /** Ends an exchange whose message is gone, or may no longer be received. */
  #giveUp(exchange: PublishExchange<InflightMessage>): void {
    if (exchange.phase === "puback" || !exchange.message!.wasSent) {
      return this.#finish(exchange, null);
    }
    // The client may have the message already. Then the identifier is free only after PUBREL and
    // PUBCOMP.
    this.#release(exchange);
  }

  /** The client has a QoS 2 message: it is not sent again, but its PUBREL is. */
  #release(exchange: PublishExchange<InflightMessage>): void {
    const isRepeated = exchange.phase === "pubcomp";
    exchange.phase = "pubcomp";
    this.#session.queue.release(exchange, isRepeated);
  }

  /** Ends an exchange. The reason code is `null` if the client has not answered. */
  #finish(exchange: PublishExchange<InflightMessage>, reasonCode: number | null): void {
    const session = this.#session;
    this.window.close(exchange);
    if (reasonCode === null) exchange.message?.onGivenUp();
    else exchange.message?.onFinished(reasonCode);
    session.queue.onAcknowledged(exchange);
    session.onExchangeEnded();
  }
}

/**
 * The error for an acknowledgement of the wrong kind: client and broker mean different messages.
 */
function misplaced(
  name: string,
  { packetId, phase }: PublishExchange<InflightMessage>,
): ProtocolError {
  const text = `${name} for packet identifier ${packetId}, which waits for ${phase.toUpperCase()}`;
  return new ProtocolError(text, 0, "§4.3");
}
