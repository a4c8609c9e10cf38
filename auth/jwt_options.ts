/** The settings of the JWT authenticator, and their defaults. */
import { type Clock, systemClock } from "../transport/clock.ts";
import type { Fetch } from "./fetch_text.ts";

/** The keys that verify tokens. Set exactly one of these. */
export interface JwtKeys {
  /** A secret that the issuer of the tokens shares (HS256, HS384, HS512); at least 32 bytes. */
  secret?: string | Uint8Array;
  /** A public key, or several, in PEM. */
  pem?: string | readonly string[];
  /**
   * A file with a JSON Web Key Set. It is read again when the keys are older than `keysMaxAgeMs`.
   */
  jwksFile?: string;
  /** The `https:` URL of a JSON Web Key Set (`http:` only on this machine). */
  jwksUrl?: string | URL;
}

/** Settings of {@linkcode jwtAuthenticator}. */
export interface JwtOptions extends JwtKeys {
  /**
   * The algorithms that are accepted; by default all that fit the kind of key. `none` is never
   * accepted.
   */
  algorithms?: readonly string[];
  /** The issuer (`iss`) that a token must have, or several to choose from; any by default. */
  issuer?: string | readonly string[];
  /** The audience (`aud`) that a token must have, or several to choose from; any by default. */
  audience?: string | readonly string[];
  /** How much the clocks may differ, in seconds; 5 by default. */
  clockToleranceSeconds?: number;
  /** Whether a token must have an expiry (`exp`); true by default. */
  requireExpiry?: boolean;
  /** Bytes of a token; 8,192 by default. Past it: refused without being read. */
  tokenBytesMax?: number;
  /** Which field of CONNECT has the token; `"password"` by default. */
  tokenIn?: "password" | "username";
  /** The Authentication Method whose data are a token; `"JWT"` by default. */
  method?: string;
  /**
   * The claim with the user name; `"sub"` by default. `null` means the user name in CONNECT, which
   * is not proved.
   */
  usernameClaim?: string | null;
  /**
   * The claim with what the client may do, such as `{ "publish": ["lamp/%u"], "subscribe":
   * ["lamp/+"] }`. If it is set, a token without this claim allows nothing. By default, tokens do
   * not restrict clients.
   */
  aclClaim?: string | null;
  /** The age at which keys are read again, in milliseconds; 600,000 by default. */
  keysMaxAgeMs?: number;
  /**
   * The age up to which keys are used while reading them fails, in milliseconds; 3,600,000 by
   * default. Past it: every client is refused.
   */
  keysStaleMsMax?: number;
  /** The least time between two attempts to read keys, in milliseconds; 30,000 by default. */
  keysCooldownMs?: number;
  /** How long an attempt may take, in milliseconds; 5,000 by default. */
  keysTimeoutMs?: number;
  /** Receives the error when keys cannot be read. */
  failed?: (error: Error) => void;
  /** Fetches keys; the runtime's `fetch` by default. */
  fetch?: Fetch;
  /** The monotonic clock; the system's by default. */
  clock?: Clock;
  /** The wall clock, in milliseconds since 1970; the system's by default. */
  wallClock?: () => number;
}

/** Options with every default filled in. */
export type JwtSettings =
  & Required<Omit<JwtOptions, keyof JwtKeys | "issuer" | "audience">>
  & { readonly issuer: readonly string[]; readonly audience: readonly string[] };

const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} If there is not exactly one kind of key, or an algorithm does not fit it.
 * @throws {RangeError} If a number is out of range.
 */
export function jwtSettings(options: JwtOptions): JwtSettings {
  const { secret, pem, jwksFile, jwksUrl, issuer, audience, ...others } = options;
  const given = [secret, pem, jwksFile, jwksUrl].filter((keys) => keys !== undefined);
  if (given.length !== 1) {
    throw new TypeError("Cannot verify tokens: give one of secret, pem, jwksFile and jwksUrl");
  }
  // Each kind of key has its own algorithms, so a public key is never used as a secret.
  const fitting = secret !== undefined ? SECRET_ALGORITHMS : PUBLIC_ALGORITHMS;
  const settings = {
    algorithms: fitting,
    clockToleranceSeconds: 5,
    requireExpiry: true,
    tokenBytesMax: 8192,
    tokenIn: "password" as const,
    method: "JWT",
    usernameClaim: "sub",
    aclClaim: null,
    keysMaxAgeMs: 600_000,
    keysStaleMsMax: 3_600_000,
    keysCooldownMs: 30_000,
    keysTimeoutMs: 5000,
    failed: () => {},
    fetch: globalThis.fetch,
    clock: systemClock,
    wallClock: Date.now,
    ...others,
    issuer: listOf(issuer),
    audience: listOf(audience),
  };
  checkAlgorithms(settings.algorithms, fitting);
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== "number" || value >= 0) continue;
    throw new RangeError(`Cannot verify tokens: ${name} is ${value}, of at least 0`);
  }
  return settings;
}

function checkAlgorithms(algorithms: readonly string[], fitting: readonly string[]): void {
  const other = algorithms.find((algorithm) => !fitting.includes(algorithm));
  if (other === undefined && algorithms.length > 0) return;
  throw new TypeError(
    `Cannot verify tokens: algorithm ${other ?? "list"} does not fit the key, which has ${
      fitting.join(", ")
    }`,
  );
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
