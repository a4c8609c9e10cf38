/** The function of the program that can change or refuse each message. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Properties, QoS } from "../../codec/mod.ts";

/** A message about which the program decides. */
export interface PublishedMessage {
  /** The topic, as it was published. */
  readonly topic: string;
  /** The payload; borrowed until the result is known. */
  readonly payload: Uint8Array;
  /** The QoS of the publication, or of the delivery; it cannot be changed. */
  readonly qos: QoS;
  /** The RETAIN flag of the publication. */
  readonly retain: boolean;
}

/**
 * A function of the program that decides about each message of a client before it is routed, after
 * the authorizer. While a promise is pending, no further packet of this client is handled, so the
 * order of its messages is kept. An error refuses the message with 0x80.
 *
 * `undefined` publishes the message as it is, and `null` acknowledges it without publishing it. A
 * `reasonCode` (0x80, 0x83, 0x87, 0x90, 0x97 or 0x99) refuses it, with this code in the PUBACK or
 * PUBREC of 5.0. Any other object publishes it changed. The permissions of the client are not
 * checked for a new topic. The broker copies a new payload. New properties replace all properties
 * of the message.
 */
export type Transform = (message: PublishedMessage, client: ClientInfo) =>
  | undefined
  | null
  | { readonly reasonCode: number }
  | {
    readonly topic?: string;
    readonly payload?: Uint8Array;
    readonly retain?: boolean;
    readonly properties?: Properties;
  }
  | Promise<
    | undefined
    | null
    | { readonly reasonCode: number }
    | {
      readonly topic?: string;
      readonly payload?: Uint8Array;
      readonly retain?: boolean;
      readonly properties?: Properties;
    }
  >;

/** What a {@linkcode Transform} decides. */
export type TransformResult = Awaited<ReturnType<Transform>>;
