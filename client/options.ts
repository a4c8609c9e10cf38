/** The options of a client, and their defaults. */
import type { Properties, QoS, UserProperty } from "../codec/mod.ts";
import { type Clock, systemClock } from "../transport/clock.ts";
import type { ClientAuthentication } from "./authentication.ts";
import type { ReconnectOptions } from "./backoff.ts";
import { type Dial, dialWith } from "./dial.ts";
import type { TlsSettings } from "./tls_settings.ts";
import type { Endpoint } from "./endpoint.ts";
import { checkClientLimits, type ClientLimits } from "./limits.ts";
import type { ClientState } from "./state.ts";

/** The Will Message, which the server publishes when it loses the client. */
export interface WillOptions {
  /** The Will Topic. */
  topic: string;
  /** The Will Payload; empty by default. */
  payload?: Uint8Array | string;
  /** The Will QoS; 0 by default. */
  qos?: QoS;
  /** Will Retain; false by default. */
  retain?: boolean;
  /**
   * Will Properties: Will Delay Interval, Message Expiry Interval, Content Type and so on; MQTT 5
   * only.
   */
  properties?: Properties;
}

/** Settings of a client; each has a default. */
export interface ConnectOptions {
  /**
   * 5 for MQTT 5.0, the default, or 4 for 3.1.1. If a server refuses 5, the client does not try 4.
   */
  protocolVersion?: 4 | 5;
  /** The client identifier; random by default. */
  clientId?: string;
  /** The user name; the one in the URL by default. */
  username?: string;
  /** The password; the one in the URL by default. */
  password?: string | Uint8Array;
  /**
   * Clean Start of the first connection: whether the server discards an older session; true by
   * default.
   */
  cleanStart?: boolean;
  /**
   * How long the server keeps the session when the connection is lost (Session Expiry Interval), in
   * seconds; MQTT 5 only. If it is given, the session also outlives `close()`. By default it is
   * 300, for reconnects only: `close()` ends the session.
   */
  sessionExpirySeconds?: number;
  /**
   * The longest silence before a PINGREQ, in seconds; 0 for no pings; 60 by default.
   */
  keepAliveSeconds?: number;
  /** The Will Message; none by default. */
  will?: WillOptions | null;
  /** User Properties of the CONNECT, as pairs of name and value; MQTT 5 only. */
  userProperties?: UserProperty[];
  /**
   * Request Response Information: whether to ask the server for a base of response topics; MQTT 5
   * only; false by default.
   */
  requestResponseInformation?: boolean;
  /**
   * Request Problem Information: whether the server may send Reason Strings with any packet; MQTT 5
   * only; true by default.
   */
  requestProblemInformation?: boolean;
  /** Enhanced authentication; MQTT 5 only; none by default. */
  authentication?: ClientAuthentication | null;
  /** How to reconnect when the connection is lost; `false` to end the client instead. */
  reconnect?: ReconnectOptions | false;
  /** What the client may hold or wait for. */
  limits?: Partial<ClientLimits>;
  /** Settings of TLS for `mqtts:`. A `wss:` URL uses the certificates of the runtime. */
  tls?: TlsSettings;
  /** Opens the byte pipe, in place of the transport that the URL names. */
  dial?: Dial;
  /**
   * Ends the attempt, and later the client, without DISCONNECT, so the server publishes the will.
   */
  signal?: AbortSignal | null;
  /** Called at once for every state. It must not throw. */
  onState?: (state: ClientState) => void;
  /** The clock; the system's by default. */
  clock?: Clock;
  /** Random numbers from 0 to below 1, for the client identifier and for delays. */
  random?: () => number;
}

/** Options with every default filled in. */
export interface Settings {
  readonly protocolVersion: 4 | 5;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  readonly cleanStart: boolean;
  readonly sessionExpirySeconds: number;
  /** Whether the session outlives `close()`. */
  readonly keepsSession: boolean;
  readonly keepAliveSeconds: number;
  readonly will: WillOptions | null;
  readonly userProperties: UserProperty[];
  readonly requestResponseInformation: boolean;
  readonly requestProblemInformation: boolean;
  readonly authentication: ClientAuthentication | null;
  readonly reconnect: ReconnectOptions | false;
  readonly limits: ClientLimits;
  readonly dial: Dial;
  readonly signal: AbortSignal | null;
  readonly onState: (state: ClientState) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

/** How long a session is kept for reconnects only, in seconds. */
const RECONNECT_EXPIRY_SECONDS = 300;

const encoder = new TextEncoder();

/** The bytes of a payload or password. */
export function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? encoder.encode(content) : content;
}

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a value is out of range.
 */
export function settingsOf(endpoint: Endpoint, options: ConnectOptions): Settings {
  const { random = Math.random, reconnect = {}, cleanStart = true } = options;
  const { protocolVersion = 5, keepAliveSeconds = 60, sessionExpirySeconds } = options;
  const password = options.password ?? endpoint.password;
  check("keepAliveSeconds", keepAliveSeconds, 65_535);
  check("sessionExpirySeconds", sessionExpirySeconds ?? 0, 0xffff_ffff);
  return {
    protocolVersion,
    clientId: options.clientId ?? randomClientId(random),
    username: options.username ?? endpoint.username,
    password: password === null ? null : bytesOf(password),
    cleanStart,
    sessionExpirySeconds: sessionExpirySeconds ??
      (reconnect === false ? 0 : RECONNECT_EXPIRY_SECONDS),
    keepsSession: protocolVersion === 5 ? sessionExpirySeconds !== undefined : !cleanStart,
    keepAliveSeconds,
    will: options.will ?? null,
    userProperties: options.userProperties ?? [],
    requestResponseInformation: options.requestResponseInformation ?? false,
    requestProblemInformation: options.requestProblemInformation ?? true,
    authentication: options.authentication ?? null,
    reconnect,
    limits: checkClientLimits(options.limits ?? {}),
    dial: options.dial ?? dialWith(options.tls ?? {}),
    signal: options.signal ?? null,
    onState: options.onState ?? (() => {}),
    clock: options.clock ?? systemClock,
    random,
  };
}

function check(name: string, value: number, max: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) {
    throw new RangeError(`Cannot connect: ${name} is ${value}, not from 0 to ${max}`);
  }
}

/** 23 letters and digits, which every server must accept [MQTT-3.1.3-5]. */
function randomClientId(random: () => number): string {
  const digits = Array.from({ length: 16 }, () => Math.floor(random() * 36).toString(36));
  return `fairway${digits.join("")}`;
}
