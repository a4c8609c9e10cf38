import type { QoS } from "../codec/mod.ts";
import type { ClientInfo } from "./authenticator.ts";

/** What is asked for a publication. */
export interface PublishRequest {
  /** The topic. */
  readonly topic: string;
  /** As published. */
  readonly qos: QoS;
  /** Whether it is to be retained. */
  readonly retain: boolean;
  /** Whether it is the will of the client, asked for when it connects. */
  readonly will: boolean;
}

/** What is asked for a subscription. */
export interface SubscribeRequest {
  /** The topic filter, without `$share/…`. */
  readonly filter: string;
  /** As asked for. */
  readonly qos: QoS;
  /** The name of the shared group, or `null`. */
  readonly group: string | null;
}

/**
 * Decides what a client may do. A promise holds up that client and nobody else.
 *
 * When it would answer otherwise than before, have `Broker.reauthorize` called:
 * what is subscribed already is then asked about again.
 */
export interface Authorizer {
  /** Whether a client may publish; for a will, when it connects and when it is published. */
  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean>;
  /** Whether a client may subscribe; for what a session is subscribed to, when it returns. */
  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean>;
  /**
   * Whether a client may receive what is published to a topic; everything it
   * is subscribed to, if this is left out. It is asked for each message, so it
   * must be quick; the broker remembers what it likes of the answers until
   * `Broker.reauthorize` is called. A failure counts as a no.
   */
  mayReceive?(client: ClientInfo, topic: string): boolean;
}
