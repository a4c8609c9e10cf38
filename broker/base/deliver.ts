/** The function of the program that can change or withhold each delivery. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Properties } from "../../codec/mod.ts";
import type { PublishedMessage } from "./transform.ts";

/**
 * A function of the program that decides about each message for a client at the moment at which it
 * is sent, after the authorizer. It is called during the work of the broker, so it has to be quick,
 * and must not return a promise. An error keeps the message from this client.
 *
 * `undefined` sends the message as it is, and `null` does not send it to this client. Any other
 * object sends it changed: the broker copies the payload, and other properties replace all
 * properties of the message, but not its Subscription Identifiers.
 *
 * @param message `isRepeated` says that it was sent before, and not acknowledged [MQTT-4.4.0-1].
 */
export type Deliver = (
  message: PublishedMessage & { readonly isRepeated: boolean },
  client: ClientInfo,
) => undefined | null | { readonly payload?: Uint8Array; readonly properties?: Properties };

/** The `deliver` of the program has thrown, or has returned what cannot be sent. */
export class DeliverError extends Error {
  /** As every error has it. */
  override readonly name: string = "DeliverError";
  /** The client that was not sent the message. */
  readonly clientId: string;
  /** The topic of the message. */
  readonly topic: string;

  /**
   * Makes the error.
   *
   * @param cause What was thrown.
   */
  constructor(clientId: string, topic: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`Cannot send a message of "${topic}" to "${clientId}": deliver has failed: ${why}`, {
      cause,
    });
    this.clientId = clientId;
    this.topic = topic;
  }
}
