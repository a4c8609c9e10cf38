/** The public keys that verify tokens, read from a file or a URL and kept fresh. */
import { createPublicKey } from "node:crypto";
import type { Clock } from "../transport/clock.ts";
import { type Fetch, fetchText, placeOf, ServiceError, timeoutAfter } from "./fetch_text.ts";
import type { Jose, JoseKeyFinder } from "./_jose.ts";

/** The most keys of one set. */
const KEYS_MAX = 100;
/** The most bytes of a set that is fetched. */
const KEY_SET_BYTES_MAX = 262_144;

/** How a key set is kept fresh. */
export interface KeySetOptions {
  /** The age at which keys are read again, in milliseconds. */
  readonly maxAgeMs: number;
  /** The age up to which keys are used while reading them fails, in milliseconds. */
  readonly staleMsMax: number;
  /** The least time between two attempts to read them, in milliseconds. */
  readonly cooldownMs: number;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Receives the error when the keys cannot be read. */
  readonly failed: (error: Error) => void;
}

/**
 * Keys in a file or at a URL, which may change there.
 *
 * They are read when they are needed, by one attempt at a time, and at most once per `cooldownMs`,
 * so tokens cannot cause more requests. Without keys that are fresh enough, no token is accepted.
 */
export class RemoteKeySet {
  readonly #jose: Jose;
  readonly #place: URL;
  readonly #options: KeySetOptions;
  #finder: JoseKeyFinder | null = null;
  #readAtMs = -Infinity;
  #triedAtMs = -Infinity;
  #reading: Promise<void> | null = null;

  constructor(jose: Jose, place: URL, options: KeySetOptions) {
    this.#jose = jose;
    this.#place = place;
    this.#options = options;
  }

  /** A function that finds a key, or `null` if no keys are fresh enough. */
  async finder(): Promise<JoseKeyFinder | null> {
    if (this.#ageMs >= this.#options.maxAgeMs) await this.refresh();
    return this.#ageMs < this.#options.staleMsMax ? this.#finder : null;
  }

  /** Reads the keys again, if `cooldownMs` has passed. */
  async refresh(): Promise<void> {
    const { clock, cooldownMs } = this.#options;
    if (this.#reading === null) {
      if (clock.now() - this.#triedAtMs < cooldownMs) return;
      this.#triedAtMs = clock.now();
      this.#reading = this.#read().finally(() => this.#reading = null);
    }
    await this.#reading;
  }

  get #ageMs(): number {
    return this.#options.clock.now() - this.#readAtMs;
  }

  async #read(): Promise<void> {
    try {
      const keys = parseKeySet(await this.#text());
      this.#finder = this.#jose.createLocalJWKSet({ keys });
      this.#readAtMs = this.#options.clock.now();
    } catch (error) {
      const why = (error as Error).message;
      this.#options.failed(new ServiceError(`Cannot read keys of ${placeOf(this.#place)}: ${why}`));
    }
  }

  async #text(): Promise<string> {
    if (this.#place.protocol === "file:") return await Deno.readTextFile(this.#place);
    const { clock, timeoutMs, fetch } = this.#options;
    const { signal, cancel } = timeoutAfter(clock, timeoutMs, new AbortController().signal);
    try {
      const { status, text } = await fetchText(fetch, this.#place, { signal }, KEY_SET_BYTES_MAX);
      if (status !== 200) throw new ServiceError(`the answer has status ${status}`);
      return text;
    } finally {
      cancel();
    }
  }
}

/**
 * Reads `{ "keys": […] }`, which must have public keys only. Anyone who can read a secret key of a
 * set could make tokens.
 *
 * @throws {ServiceError} If it is something else.
 */
function parseKeySet(text: string): object[] {
  let set: { keys?: unknown } | null;
  try {
    set = JSON.parse(text);
  } catch {
    // Without the cause, which quotes the text.
    throw new ServiceError("it is no JSON");
  }
  const keys = set?.keys;
  if (!Array.isArray(keys)) throw new ServiceError('it has no list "keys"');
  if (keys.length > KEYS_MAX) {
    throw new ServiceError(`it has ${keys.length} keys, of at most ${KEYS_MAX}`);
  }
  return keys.filter((key): key is object =>
    typeof key === "object" && key !== null && key.kty !== "oct"
  );
}

/**
 * Reads a public key in PEM, as a key of a set.
 *
 * @throws {TypeError} If it is not a key, or a private one.
 */
export function keyOfPem(pem: string): object {
  // Without the cause, which may quote the text.
  if (/PRIVATE KEY/.test(pem)) {
    throw new TypeError(
      "Cannot use the key: it is private, and tokens are verified with a public one",
    );
  }
  try {
    return createPublicKey(pem).export({ format: "jwk" });
  } catch {
    throw new TypeError("Cannot use the key: it is no public key in PEM");
  }
}
