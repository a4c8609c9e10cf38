import type { ClientInfo } from "../../auth/authenticator.ts";
import type { QoS } from "../../codec/mod.ts";
import type { DropReason, LimitReason } from "./stats.ts";

/** How a connection ended. */
export interface DisconnectInfo {
  /** The reason code of the DISCONNECT that was sent or received; 0x80 without one. */
  readonly reasonCode: number;
  /** Who ended it: the client with DISCONNECT, the broker, or neither. */
  readonly by: "client" | "broker" | "network";
  /** What was wrong, if the client broke the protocol or the connection failed. */
  readonly error: unknown;
}

/** A message as a hook sees it. */
export interface PublishInfo {
  /** The topic. */
  readonly topic: string;
  /** The payload; borrowed until the hook returns. */
  readonly payload: Uint8Array;
  /** As published. */
  readonly qos: QoS;
  /** The RETAIN flag as published. */
  readonly retain: boolean;
  /** The client identifier of the publisher, or `null` for the program itself. */
  readonly clientId: string | null;
}

/** A message that somebody should have received and did not. */
export interface DropInfo {
  /** Why. */
  readonly reason: DropReason;
  /** Its topic, or `null` where many were dropped at once. */
  readonly topic: string | null;
  /** Whom it was for, or `null` where that is no one client. */
  readonly clientId: string | null;
}

/** A login that has failed. */
export interface LoginFailure {
  /** Where the client connects from, say `192.0.2.7:50123`. */
  readonly address: string;
  /** What it called itself. */
  readonly clientId: string;
  /** The user name it gave, or `null`. */
  readonly username: string | null;
  /** Why, as a reason code of CONNACK. */
  readonly reasonCode: number;
}

/** A limit that was reached. */
export interface LimitInfo {
  /** Which. */
  readonly reason: LimitReason;
  /** Where the client connects from, or `null` where it concerns no one client. */
  readonly address: string | null;
  /** What it calls itself, or `null` where that is not known. */
  readonly clientId: string | null;
}

/**
 * What a program may be told. Hooks are called in the middle of the broker's
 * work: they must be short. What one throws is reported to `failed` and
 * otherwise ignored.
 */
export interface BrokerHooks {
  /** A client was let in. */
  connected?(client: ClientInfo): void;
  /** A client that was let in is gone. */
  disconnected?(client: ClientInfo, info: DisconnectInfo): void;
  /** A client was not let in; `client` is as much as is known of it. */
  refused?(address: string, clientId: string | null, reasonCode: number): void;
  /** A login has failed; told before it is answered. */
  loginFailed?(failure: LoginFailure): void;
  /** A limit was reached. */
  limited?(info: LimitInfo): void;
  /** The event loop is too late for newcomers, or is no longer; by so many milliseconds. */
  busy?(isBusy: boolean, lagMs: number): void;
  /** A connection did not get as far as MQTT: its handshake of TLS or WebSocket, or PROXY header, failed. */
  arrivalFailed?(address: string, error: unknown): void;
  /** A message was published. Costs speed: frames are then taken apart. */
  published?(info: PublishInfo): void;
  /** A message was dropped. */
  dropped?(info: DropInfo): void;
  /**
   * The store takes nothing more (`true`), or is well again (`false`).
   *
   * @param reason Why it takes nothing: a `StoreFullError` if there is no room, a
   * `StoreGoneError` if its files are not in their places any more. Told again if
   * it changes.
   */
  storeFull?(isFull: boolean, reason?: Error): void;
  /** Something inside the broker, or in a hook, has failed. */
  failed?(error: unknown): void;
}
