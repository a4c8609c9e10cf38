import type { ProtocolVersion, UserProperty } from "../codec/mod.ts";
import type { PeerCertificate } from "../transport/transport.ts";
import type { Authorizer } from "./authorizer.ts";

/** A client as it presents itself in CONNECT. */
export interface ClientInfo {
  /** Its client identifier; assigned by the broker if it gave none. */
  readonly clientId: string;
  /** Its user name, or `null`. */
  readonly username: string | null;
  /** Where it connects from, say `127.0.0.1:50123`. */
  readonly address: string;
  /** The name of the listener it came by; absent or `""` if that has none. */
  readonly listener?: string;
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocolVersion: ProtocolVersion;
}

/** What a client asks to be let in with. */
export interface ConnectRequest extends ClientInfo {
  /** Its password, or `null`; borrowed until the decision is made. */
  readonly password: Uint8Array | null;
  /** The certificate by which it has proved who it is, or `null`. */
  readonly certificate?: PeerCertificate | null;
  /** The user properties of its CONNECT. */
  readonly userProperties: readonly UserProperty[];
}

/**
 * How far a client is let in. A re-authentication that succeeds replaces all of
 * it, but for the name, which must stay the same.
 */
export interface Grant {
  /** The name it goes by; the user name of its CONNECT if this is not given. */
  readonly username?: string;
  /**
   * When its connection ends unless it has authenticated anew: milliseconds
   * since 1970, as of `Date.now()`. It is told 0x87. Never if not given.
   */
  readonly expiresAtMs?: number;
  /** What it may do. The broker's own authorizer is asked too, and both must allow. */
  readonly authorizer?: Authorizer;
}

/** Whether a client may come in, and how far. */
export interface Decision extends Grant {
  /** `ReasonCode.Success`, or why not, as in CONNACK; 3.x clients get the nearest code. */
  readonly reasonCode: number;
  /** Said to a 5.0 client that wants to know. */
  readonly reasonString?: string;
}

/** One step of an enhanced authentication (MQTT 5 §4.12). */
export type AuthenticationStep =
  /** More is needed from the client: AUTH 0x18 with these data. */
  | { readonly kind: "continue"; readonly data?: Uint8Array }
  /** The client is who it says; the data go with CONNACK, or with AUTH 0x00. */
  | Grant & { readonly kind: "success"; readonly data?: Uint8Array }
  /** It is not; the reason code goes with CONNACK, or with DISCONNECT. */
  | { readonly kind: "failure"; readonly reasonCode: number; readonly reasonString?: string };

/** An enhanced authentication under way with one client. */
export interface AuthenticationExchange {
  /** Takes the Authentication Data of a CONNECT or an AUTH; borrowed until it settles. */
  next(data: Uint8Array | null): AuthenticationStep | Promise<AuthenticationStep>;
}

/** Decides who may come in. */
export interface Authenticator {
  /** Decides on a CONNECT without Authentication Method. */
  authenticate(request: ConnectRequest): Decision | Promise<Decision>;
  /**
   * Begins an enhanced authentication, at CONNECT and again at each
   * re-authentication.
   *
   * @returns `null` if the method is not known: the client gets 0x8C [MQTT-4.12.0-1].
   */
  begin?(method: string, request: ConnectRequest): AuthenticationExchange | null;
  /**
   * Whether a client that was let in may stay; asked by `Broker.reauthorize`.
   * It may if this is left out.
   */
  mayStay?(client: ClientInfo): boolean;
}

/** Lets everyone in. */
export const allowAll: Authenticator = {
  authenticate: () => ({ reasonCode: 0 }),
};
