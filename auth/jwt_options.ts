import { type Clock, systemClock } from "../transport/clock.ts";
import type { Fetch } from "./fetch_text.ts";

/** With what tokens are verified: exactly one of these. */
export interface JwtKeys {
  /** A secret that whoever makes tokens shares (HS256, HS384, HS512); 32 bytes at least. */
  secret?: string | Uint8Array;
  /** A public key, or several, in PEM. */
  pem?: string | readonly string[];
  /** A file with a JSON Web Key Set, which is read again now and then. */
  jwksFile?: string;
  /** The `https:` address of one (`http:` only for this machine). */
  jwksUrl?: string | URL;
}

/** Settings of {@linkcode jwtAuthenticator}. */
export interface JwtOptions extends JwtKeys {
  /** Which signatures are accepted; by default all that fit the kind of key. `none` never is. */
  algorithms?: readonly string[];
  /** Who must have made the token (`iss`), or one of several; anyone by default. */
  issuer?: string | readonly string[];
  /** For whom it must be (`aud`), or one of several; anyone by default. */
  audience?: string | readonly string[];
  /** By how much clocks may differ, in seconds; 5 by default. */
  clockToleranceSeconds?: number;
  /** Whether a token must say when it expires (`exp`); true by default. */
  requireExpiry?: boolean;
  /** Bytes of a token; 8,192 by default. Past it: refused, with nothing of it read. */
  tokenBytesMax?: number;
  /** Which field of CONNECT has the token; `"password"` by default. */
  tokenIn?: "password" | "username";
  /** The method of enhanced authentication whose data are a token; `"JWT"` by default. */
  method?: string;
  /** The claim with the user name; `"sub"` by default. `null`: the one in CONNECT, which nobody has proved. */
  usernameClaim?: string | null;
  /**
   * The claim with what the client may do, such as
   * `{ "publish": ["lamp/%u"], "subscribe": ["lamp/+"] }`. If it is set, a token
   * without it allows nothing. By default tokens restrict nothing.
   */
  aclClaim?: string | null;
  /** How old fetched keys may become before they are read again, in milliseconds; 600,000 by default. */
  keysMaxAgeMs?: number;
  /** How old if that fails, in milliseconds; 3,600,000 by default. Past it: nobody is let in. */
  keysStaleMsMax?: number;
  /** The least between two attempts to read keys, in milliseconds; 30,000 by default. */
  keysCooldownMs?: number;
  /** How long an attempt may take, in milliseconds; 5,000 by default. */
  keysTimeoutMs?: number;
  /** Told why keys could not be read; nobody by default. */
  failed?: (error: Error) => void;
  /** Fetches keys; the `fetch` of the runtime by default. */
  fetch?: Fetch;
  /** Time; the machine's by default. */
  clock?: Clock;
  /** The time of the wall clock, in milliseconds since 1970; the machine's by default. */
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
  // One kind of key, one kind of algorithm: a public key is never taken for a secret.
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
