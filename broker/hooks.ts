import type { ClientInfo } from "../auth/authenticator.ts";
import type { QoS } from "../codec/mod.ts";
import type { DropReason } from "./stats.ts";

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
  /** A message was published. Costs speed: frames are then taken apart. */
  published?(info: PublishInfo): void;
  /** A message was dropped. */
  dropped?(info: DropInfo): void;
  /** The store has no room any more, or has failed (`true`), or is well again (`false`). */
  storeFull?(isFull: boolean): void;
  /** Something inside the broker, or in a hook, has failed. */
  failed?(error: unknown): void;
}
