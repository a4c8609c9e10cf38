/** The QoS 1 and 2 messages in flight to a client: how they are sent, resent and acknowledged. */
import { ProtocolError, ReasonCode } from "../../codec/mod.ts";
import { type Flight, OutboundWindow } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import type { ClientLink } from "./client_link.ts";
import type { Message } from "../base/message.ts";
import { InflightMessage } from "./inflight_message.ts";

/** What {@linkcode InflightMessages} needs of its session. */
export interface InflightOwner {
  readonly clientId: string;
  /** Seconds the session outlives its connection. */
  readonly expirySeconds: number;
  /** What sends again and lets go of the messages. */
  readonly queue: {
    resend(link: ClientLink, flight: Flight<InflightMessage>): void;
    release(flight: Flight<InflightMessage>, isRepeated: boolean): void;
    onAcknowledged(flight: Flight<InflightMessage>): void;
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
  }

  /** Whether the client takes one more now, and none of an earlier connection comes first. */
  get mayOpen(): boolean {
    return this.window.mayOpen;
  }

  /** Opens a flight for a message and sends it. */
  send(link: ClientLink, message: Message, variant: Variant, qos: 1 | 2): void {
    const { window } = this;
    const session = this.#session;
    // A clean session is never resumed, so nothing of it is ever sent again;
    // but what a shared group's member leaves behind goes to another.
    const isKept = session.expirySeconds > 0 || variant.shared !== null;
    const sent = isKept ? new InflightMessage(message.keep(), variant, qos) : null;
    const flight = window.open(qos, sent);
    if (link.send(message, variant, qos, flight.packetId, false)) return;
    window.close(flight);
    this.#context.reportDrop(link.whyUnsent(message), message, session.clientId);
  }

  /**
   * Sends the next flight of an earlier connection again [MQTT-4.4.0-1].
   *
   * @returns False if there is no quota for it.
   */
  resendNext(link: ClientLink): boolean {
    const flight = this.window.nextResend();
    if (flight === null) return !this.window.resending;
    this.#session.queue.resend(link, flight);
    return true;
  }

  /** Sends a flight, again or for the first time, or its PUBREL. */
  transmit(link: ClientLink, flight: Flight<InflightMessage>): void {
    const session = this.#session;
    const { packetId, message: sent } = flight;
    if (flight.phase === "pubcomp") return link.sendPubrel(packetId, ReasonCode.Success);
    const { message, variant, qos, wasSent } = sent!;
    if (message === null) return this.#giveUp(flight);
    if (wasSent && !session.mayReceive(sent!.topic)) {
      this.#context.countWithheld(1);
      return this.#giveUp(flight);
    }
    sent!.wasSent = true;
    if (link.send(message, variant, qos, packetId, wasSent)) return;
    this.#context.reportDrop(link.whyUnsent(message), message, session.clientId);
    sent!.wasSent = wasSent;
    this.#giveUp(flight);
  }

  /**
   * Handles a PUBACK, if anything waits for an answer.
   *
   * @throws {ProtocolError} If that is a QoS 2 message.
   */
  puback(packetId: number, reasonCode: number): void {
    const flight = this.window.get(packetId);
    if (flight === null) return;
    if (flight.phase !== "puback") throw misplaced("PUBACK", flight);
    this.#finish(flight, reasonCode);
  }

  /**
   * Handles a PUBREC: answers with PUBREL [MQTT-4.3.3-4], or ends the exchange
   * if the client has refused the message [MQTT-4.4.0-2].
   *
   * @returns False if nothing waited for an answer.
   * @throws {ProtocolError} If a QoS 1 message waits for it.
   */
  pubrec(packetId: number, reasonCode: number): boolean {
    const flight = this.window.get(packetId);
    if (flight === null) return false;
    if (flight.phase === "puback") throw misplaced("PUBREC", flight);
    if (reasonCode >= 0x80) this.#finish(flight, reasonCode);
    else this.#release(flight);
    return true;
  }

  /**
   * Handles a PUBCOMP, if anything waits for an answer.
   *
   * @throws {ProtocolError} If that is a QoS 1 message, or one that was not released.
   */
  pubcomp(packetId: number): void {
    const flight = this.window.get(packetId);
    if (flight === null) return;
    if (flight.phase !== "pubcomp") throw misplaced("PUBCOMP", flight);
    this.#finish(flight, ReasonCode.Success);
  }

  /** QoS 1 messages of shared subscriptions, which another member gets when the session ends. */
  unacknowledgedShared(): InflightMessage[] {
    const messages: InflightMessage[] = [];
    // A QoS 2 message under way is nobody else's [MQTT-4.8.2-5].
    for (const { phase, message: sent } of this.window.flights()) {
      if (phase === "puback" && sent?.variant.shared) messages.push(sent);
    }
    return messages;
  }

  /** Ends a flight whose message is gone, or may no longer be received. */
  #giveUp(flight: Flight<InflightMessage>): void {
    if (flight.phase === "puback" || !flight.message!.wasSent) return this.#finish(flight, null);
    // The client may have it already: the identifier is only free when both have released it.
    this.#release(flight);
  }

  /** The client has a QoS 2 message: it is not sent again, but its PUBREL is. */
  #release(flight: Flight<InflightMessage>): void {
    const isRepeated = flight.phase === "pubcomp";
    flight.phase = "pubcomp";
    this.#session.queue.release(flight, isRepeated);
  }

  /** Ends a flight; `null` for one that the client has not answered. */
  #finish(flight: Flight<InflightMessage>, reasonCode: number | null): void {
    const session = this.#session;
    this.window.close(flight);
    if (reasonCode === null) flight.message?.onGivenUp();
    else flight.message?.onFinished(reasonCode);
    session.queue.onAcknowledged(flight);
    session.onExchangeEnded();
  }
}

/** An answer of another kind than is waited for: client and broker do not mean the same message. */
function misplaced(name: string, { packetId, phase }: Flight<InflightMessage>): ProtocolError {
  const text = `${name} for packet identifier ${packetId}, which waits for ${phase.toUpperCase()}`;
  return new ProtocolError(text, 0, "§4.3");
}
