/** The hooks by which a program learns what happens in the broker. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { QoS } from "../../codec/mod.ts";
import type { DropReason, LimitReason } from "./stats.ts";

/** How a connection ended. */
export interface DisconnectInfo {
  /** The Reason Code of the DISCONNECT that was sent or received; 0x80 without one. */
  readonly reasonCode: number;
  /** The side that ended it: the client with DISCONNECT, the broker, or neither. */
  readonly by: "client" | "broker" | "network";
  /** The error, if the client violated the protocol or the connection failed. */
  readonly error: unknown;
}

/** A message, as passed to a hook. */
export interface PublishInfo {
  /** The topic. */
  readonly topic: string;
  /** The payload; borrowed until the hook returns. */
  readonly payload: Uint8Array;
  /** The QoS of the publication. */
  readonly qos: QoS;
  /** The RETAIN flag of the publication. */
  readonly retain: boolean;
  /** The client identifier of the publisher, or `null` for the program itself. */
  readonly clientId: string | null;
}

/** A message that was not delivered to a receiver. */
export interface DropInfo {
  /** The reason. */
  readonly reason: DropReason;
  /** Its topic, or `null` for several messages. */
  readonly topic: string | null;
  /** The client identifier of the receiver, or `null` if there is no single receiver. */
  readonly clientId: string | null;
}

/** A failed login. */
export interface LoginFailure {
  /** The address of the client, such as `192.0.2.7:50123`. */
  readonly address: string;
  /** The client identifier that it sent. */
  readonly clientId: string;
  /** The user name that it sent, or `null`. */
  readonly username: string | null;
  /** The Reason Code of CONNACK. */
  readonly reasonCode: number;
}

/** A limit that was reached. */
export interface LimitInfo {
  /** The limit. */
  readonly reason: LimitReason;
  /** The address of the client, or `null` if no single client is affected. */
  readonly address: string | null;
  /** The client identifier, or `null` if unknown. */
  readonly clientId: string | null;
}

/**
 * Callbacks for events of the broker. They are called during the broker's work and must be short.
 * An error of a hook is reported to `failed` and otherwise ignored.
 */
export interface BrokerHooks {
  /** A client was accepted. */
  connected?(client: ClientInfo): void;
  /** An accepted client has disconnected. */
  disconnected?(client: ClientInfo, info: DisconnectInfo): void;
  /** A client was refused. `clientId` is `null` if unknown. */
  refused?(address: string, clientId: string | null, reasonCode: number): void;
  /** A login has failed. Called before the answer is sent. */
  loginFailed?(failure: LoginFailure): void;
  /** A limit was reached. */
  limited?(info: LimitInfo): void;
  /**
   * The event loop is too late for new connections, or in time again; with its delay in
   * milliseconds.
   */
  busy?(isBusy: boolean, lagMs: number): void;
  /** A connection failed before MQTT began: in its TLS or WebSocket handshake, or PROXY header. */
  handshakeFailed?(address: string, error: unknown): void;
  /** A message was published. This hook costs speed, because frames must be decoded for it. */
  published?(info: PublishInfo): void;
  /** A message was dropped. */
  dropped?(info: DropInfo): void;
  /**
   * The store accepts no more writes (`true`), or does again (`false`).
   *
   * @param reason The cause: a `StoreFullError` if there is no room, a `StoreGoneError` if its
   * files are not in their places any more. The hook is called again if the cause changes.
   */
  storeFull?(isFull: boolean, reason?: Error): void;
  /** Something inside the broker, or in a hook, has failed. */
  failed?(error: unknown): void;
}
