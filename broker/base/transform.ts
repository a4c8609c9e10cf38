import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Properties, QoS } from "../../codec/mod.ts";

/** A message that a client publishes, before it is routed. */
export interface IncomingMessage {
  /** The topic. */
  readonly topic: string;
  /** The payload; borrowed until the result is known. */
  readonly payload: Uint8Array;
  /** The QoS of the publication; it cannot be changed. */
  readonly qos: QoS;
  /** The RETAIN flag of the publication. */
  readonly retain: boolean;
}

/** What changes about a message. What is not given stays as it is. */
export interface MessageChange {
  /** Another topic. The permissions of the client are not checked for it. */
  readonly topic?: string;
  /** Another payload. The broker copies it. */
  readonly payload?: Uint8Array;
  /** Another RETAIN flag. */
  readonly retain?: boolean;
  /** Other properties, which replace all properties of the message. */
  readonly properties?: Properties;
}

/** A message that is not published, and what the client is told. */
export interface MessageRefusal {
  /** The Reason Code for PUBACK or PUBREC in 5.0: 0x80, 0x83, 0x87, 0x90, 0x97 or 0x99. */
  readonly reasonCode: number;
}

/**
 * The result of a {@linkcode Transform}: `undefined` publishes the message as it is, a change
 * publishes it changed, a refusal tells the client, and `null` acknowledges the message without
 * publishing it.
 */
export type TransformResult = undefined | null | MessageChange | MessageRefusal;

/**
 * A function of the program that decides about each message of a client before it is routed, after
 * the authorizer. While a promise is pending, no further packet of this client is handled, so the
 * order of its messages is kept. An error refuses the message with 0x80.
 */
export type Transform = (
  message: IncomingMessage,
  client: ClientInfo,
) => TransformResult | Promise<TransformResult>;
