/** The interface of an authenticator, which decides who may connect. */
import type { ProtocolVersion, UserProperty } from "../codec/mod.ts";
import type { PeerCertificate } from "../transport/transport.ts";
import type { Authorizer } from "./authorizer.ts";

/** A client, as its CONNECT describes it. */
export interface ClientInfo {
  /** Its client identifier. The broker has assigned it if the client gave none. */
  readonly clientId: string;
  /** Its user name, or `null`. */
  readonly username: string | null;
  /** The address that it connects from, such as `127.0.0.1:50123`. */
  readonly address: string;
  /** The name of the listener that it uses; absent or `""` if the listener has none. */
  readonly listener?: string;
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocolVersion: ProtocolVersion;
}

/** What the CONNECT of a client says about who it is. */
export interface ConnectRequest extends ClientInfo {
  /**
   * Its password, or `null`. The bytes are valid until the decision is made; copy them to keep
   * them.
   */
  readonly password: Uint8Array | null;
  /** The certificate that it has sent and that the listener has verified, or `null`. */
  readonly certificate?: PeerCertificate | null;
  /** The user properties of its CONNECT. */
  readonly userProperties: readonly UserProperty[];
}

/**
 * What an authenticator grants to a client that it accepts. A successful re-authentication replaces
 * all of it, except the user name, which must stay the same.
 */
export interface Grant {
  /** The user name in effect; by default that of its CONNECT. */
  readonly username?: string;
  /**
   * When its connection ends, unless it authenticates again before: milliseconds since 1970, as in
   * `Date.now()`. A 5.0 client then receives 0x87. By default the connection does not expire.
   */
  readonly expiresAtMs?: number;
  /** What the client may do. The broker's own authorizer applies too: both must allow an action. */
  readonly authorizer?: Authorizer;
}

/** Whether a client may connect, and what it is granted. */
export interface Decision extends Grant {
  /**
   * `ReasonCode.Success`, or the Reason Code of the CONNACK that refuses it. A 3.x client gets the
   * nearest code.
   */
  readonly reasonCode: number;
  /** The Reason String for a 5.0 client. */
  readonly reasonString?: string;
}

/** One step of an enhanced authentication (MQTT 5 §4.12). */
export type AuthenticationStep =
  /** The client must send more: it gets an AUTH with 0x18 and these data. */
  | { readonly kind: "continue"; readonly data?: Uint8Array }
  /** The client has proved who it is. The data go into CONNACK, or into AUTH with 0x00. */
  | Grant & { readonly kind: "success"; readonly data?: Uint8Array }
  /** The client has not proved it. The Reason Code goes into CONNACK or DISCONNECT. */
  | { readonly kind: "failure"; readonly reasonCode: number; readonly reasonString?: string };

/** An enhanced authentication in progress with one client. */
export interface AuthenticationExchange {
  /**
   * Takes the Authentication Data of a CONNECT or an AUTH. The bytes are valid until the returned
   * step settles.
   */
  next(data: Uint8Array | null): AuthenticationStep | Promise<AuthenticationStep>;
}

/** Decides which clients may connect. */
export interface Authenticator {
  /** Decides on a CONNECT without Authentication Method. */
  authenticate(request: ConnectRequest): Decision | Promise<Decision>;
  /**
   * Begins an enhanced authentication, at CONNECT and again at each re-authentication.
   *
   * @returns `null` if the method is not supported: the client gets 0x8C [MQTT-4.12.0-1].
   */
  begin?(method: string, request: ConnectRequest): AuthenticationExchange | null;
  /**
   * Whether a connected client may stay. `Broker.reauthorize` calls it. Without this method, every
   * client may stay.
   */
  mayStay?(client: ClientInfo): boolean;
}

/** Accepts every client. */
export const allowAll: Authenticator = {
  authenticate: () => ({ reasonCode: 0 }),
};
