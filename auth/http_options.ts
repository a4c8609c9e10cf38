/** The settings of the HTTP hook, and their defaults. */
import { type Clock, systemClock } from "../transport/clock.ts";
import type { Fetch } from "./fetch_text.ts";

/** Settings of {@linkcode HttpHook}; one of the URLs must be given. */
export interface HttpHookOptions {
  /** The URL that decides whether a client may connect. */
  authenticateUrl?: string | URL;
  /** The URL that decides what a client may do. */
  authorizeUrl?: string | URL;
  /** Headers of each request, such as an API key; none by default. */
  headers?: Readonly<Record<string, string>>;
  /**
   * How long an answer may take, including the time in the queue, in milliseconds; 5,000 by
   * default.
   */
  timeoutMs?: number;
  /** How many requests are in progress at once; 32 by default. */
  requestsMax?: number;
  /**
   * How many requests may wait for their turn; 1,024 by default. Past it: denied, and counted in
   * `stats.busy`.
   */
  waitingMax?: number;
  /** Bytes of an answer; 65,536 by default. Past it: it counts as no answer. */
  answerBytesMax?: number;
  /**
   * How long an answer that allows is remembered, in milliseconds; 60,000 by default, 0 for never.
   */
  allowCacheMs?: number;
  /** How many of them; 10,000 by default. Past it: the oldest is forgotten. */
  allowCacheEntriesMax?: number;
  /**
   * How long an answer that denies is remembered, in milliseconds; 5,000 by default, 0 for never.
   */
  denyCacheMs?: number;
  /** How many of them; 10,000 by default. Past it: the oldest is forgotten. */
  denyCacheEntriesMax?: number;
  /**
   * Whether everything is allowed while the service does not answer; false by default. If an
   * attacker can keep the service from answering, this allows the attacker everything.
   */
  failOpen?: boolean;
  /**
   * Receives the error when the service does not answer as it should. The message contains no
   * secret.
   */
  failed?: (error: Error) => void;
  /** Sends the requests; the runtime's `fetch` by default. */
  fetch?: Fetch;
  /** The clock; the system's by default. */
  clock?: Clock;
}

/** Options with every default filled in. */
export type HttpHookSettings =
  & Required<Omit<HttpHookOptions, "authenticateUrl" | "authorizeUrl">>
  & { readonly authenticateUrl: URL | null; readonly authorizeUrl: URL | null };

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} If there is no URL, or one that is none.
 * @throws {RangeError} If a number is out of range.
 */
export function httpHookSettings(options: HttpHookOptions): HttpHookSettings {
  const settings = {
    headers: {},
    timeoutMs: 5000,
    requestsMax: 32,
    waitingMax: 1024,
    answerBytesMax: 65_536,
    allowCacheMs: 60_000,
    allowCacheEntriesMax: 10_000,
    denyCacheMs: 5000,
    denyCacheEntriesMax: 10_000,
    failOpen: false,
    failed: () => {},
    fetch: globalThis.fetch,
    clock: systemClock,
    ...options,
    authenticateUrl: urlOf(options.authenticateUrl),
    authorizeUrl: urlOf(options.authorizeUrl),
  };
  if (settings.authenticateUrl === null && settings.authorizeUrl === null) {
    throw new TypeError("Cannot ask over HTTP: neither authenticateUrl nor authorizeUrl is given");
  }
  for (const [name, value] of Object.entries(settings)) {
    const min = name === "timeoutMs" || name === "requestsMax" ? 1 : 0;
    if (typeof value !== "number" || value >= min) continue;
    throw new RangeError(`Cannot ask over HTTP: ${name} is ${value}, of at least ${min}`);
  }
  return settings;
}

function urlOf(url: string | URL | undefined): URL | null {
  if (url === undefined) return null;
  const parsed = URL.parse(`${url}`);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  // The URL itself may contain a password, so it is not in the message.
  throw new TypeError("Cannot ask over HTTP: the URL does not begin with http:// or https://");
}
