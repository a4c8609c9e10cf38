/** The interface of an authorizer, which decides who may publish and subscribe. */
import type { QoS } from "../codec/mod.ts";
import type { ClientInfo } from "./authenticator.ts";

/** A publication that needs authorization. */
export interface PublishRequest {
  /** The topic. */
  readonly topic: string;
  /** The QoS of the PUBLISH or the will. */
  readonly qos: QoS;
  /** Whether RETAIN is set. */
  readonly retain: boolean;
  /** Whether it is the Will Message of the client. */
  readonly will: boolean;
}

/** A subscription that needs authorization. */
export interface SubscribeRequest {
  /** The topic filter, without `$share/…`. */
  readonly filter: string;
  /** The requested QoS. */
  readonly qos: QoS;
  /** The name of the shared group, or `null`. */
  readonly group: string | null;
}

/**
 * Decides what a client may do. If a method returns a promise, that client waits, and no other.
 *
 * If the answers change, call `Broker.reauthorize`, which checks existing subscriptions again.
 */
export interface Authorizer {
  /**
   * Whether a client may publish. For a will, it is called at CONNECT and when the will is
   * published. For QoS 0 messages to one topic that arrive together, it is called once if it
   * returns `true`.
   */
  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean>;
  /**
   * Whether a client may subscribe. It is called again for the subscriptions of a session that is
   * resumed.
   */
  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean>;
  /**
   * Whether a client may end a subscription; `qos` is 0. Without this method, it may. A client
   * that may not keeps the subscription, and receives 0x87 if it is one of 5.0.
   */
  mayUnsubscribe?(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean>;
  /**
   * Whether a client may receive messages of a topic. Without this method, a client receives
   * everything that it is subscribed to. It is called for each message, so it must be fast and must
   * not return a promise. The broker may remember answers until `Broker.reauthorize` is called. If
   * it throws, the message is not delivered.
   */
  mayReceive?(client: ClientInfo, topic: string): boolean;
}
