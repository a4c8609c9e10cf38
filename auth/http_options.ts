import { type Clock, systemClock } from "../transport/clock.ts";
import type { Fetch } from "./fetch_text.ts";

/** Settings of {@linkcode HttpHook}; one of the URLs must be given. */
export interface HttpHookOptions {
  /** Is asked whether a client may come in. */
  authenticateUrl?: string | URL;
  /** Is asked what a client may do. */
  authorizeUrl?: string | URL;
  /** Headers of each request, such as a key of the service; none by default. */
  headers?: Readonly<Record<string, string>>;
  /** How long an answer may take, waiting for a turn included, in milliseconds; 5,000 by default. */
  timeoutMs?: number;
  /** How many requests are under way at once; 32 by default. */
  requestsMax?: number;
  /** How many questions wait for their turn; 1,024 by default. Past it: refused as busy. */
  waitingMax?: number;
  /** Bytes of an answer; 65,536 by default. Past it: it counts as none. */
  answerBytesMax?: number;
  /** How long a yes is remembered, in milliseconds; 60,000 by default, 0 for not at all. */
  allowCacheMs?: number;
  /** How many of them; 10,000 by default. Past it: the oldest is forgotten. */
  allowCacheEntriesMax?: number;
  /** How long a no is remembered, in milliseconds; 5,000 by default, 0 for not at all. */
  denyCacheMs?: number;
  /** How many of them; 10,000 by default. Past it: the oldest is forgotten. */
  denyCacheEntriesMax?: number;
  /**
   * Whether everything is allowed while the service cannot be asked; false by
   * default. Whoever can keep it from answering can then do everything.
   */
  failOpen?: boolean;
  /** Told why the service could not be asked, without any secret; nobody by default. */
  failed?: (error: Error) => void;
  /** Asks; the `fetch` of the runtime by default. */
  fetch?: Fetch;
  /** Time; the machine's by default. */
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
  // Not the URL itself: it may have a password in it.
  throw new TypeError("Cannot ask over HTTP: the URL does not begin with http:// or https://");
}
