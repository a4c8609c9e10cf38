/** The authenticator that accepts JSON Web Tokens. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ReasonCode } from "../codec/mod.ts";
import {
  isJoseError,
  type Jose,
  type JoseClaims,
  type JoseKey,
  type JoseKeyFinder,
  type JoseRules,
  loadJose,
} from "./_jose.ts";
import type {
  AuthenticationExchange,
  AuthenticationStep,
  Authenticator,
  ConnectRequest,
  Decision,
} from "./authenticator.ts";
import { type JwtKeys, type JwtOptions, type JwtSettings, jwtSettings } from "./jwt_options.ts";
import { keyOfPem, RemoteKeySet } from "./key_set.ts";
import { TopicAcl } from "./topic_acl.ts";

/** The least bytes of a secret: the hash size of the weakest algorithm. */
const SECRET_BYTES_MIN = 32;
/** Three parts in base64url, separated by dots. */
const TOKEN_REGEXP = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Why a token is not accepted. The client receives it. */
interface Refusal {
  readonly reasonCode: number;
  readonly reasonString: string;
}

/** The client has no token with a valid signature. Another authenticator may know the client. */
const UNKNOWN_USER: Refusal = {
  reasonCode: ReasonCode.BadUserNameOrPassword,
  reasonString: "Not a token that is accepted here",
};
/** The token names a key that the set does not have, or not yet. */
const UNKNOWN_KEY: Refusal = { ...UNKNOWN_USER };
const EXPIRED: Refusal = {
  reasonCode: ReasonCode.NotAuthorized,
  reasonString: "Token has expired",
};
const UNAVAILABLE: Refusal = {
  reasonCode: ReasonCode.ServerUnavailable,
  reasonString: "Tokens cannot be verified now",
};

/**
 * An authenticator that accepts clients with a JSON Web Token. The token is the password (or the
 * user name) in CONNECT, or the data of an enhanced authentication with the method `JWT`. With
 * enhanced authentication, a client can send another token before the first one expires.
 *
 * The connection ends when the token expires. The call loads the package `jose`. A URL of keys
 * needs the permission `--allow-net`; a file of keys needs `--allow-read`.
 *
 * @throws {TypeError} If the keys or the settings cannot be used.
 * @throws {RangeError} If a number is out of range.
 *
 * @example Tokens that are signed with a secret
 * ```ts no-assert
 * import { Broker } from "@fairway/mqtt";
 * import { jwtAuthenticator } from "@fairway/mqtt/auth";
 *
 * const secret = crypto.getRandomValues(new Uint8Array(32));
 * const authenticator = await jwtAuthenticator({ secret, audience: "broker", aclClaim: "acl" });
 * await using broker = new Broker({ authenticator });
 * ```
 */
export async function jwtAuthenticator(options: JwtOptions): Promise<Authenticator> {
  const settings = jwtSettings(options);
  const jose = await loadJose();
  return new JwtAuthenticator(jose, settings, await verifierOf(jose, options, settings));
}

/** Finds keys, and can look for newer ones. */
interface KeySource {
  finder(): Promise<JoseKey | JoseKeyFinder | null>;
  /** Reads the keys again, if that is allowed now. */
  refresh(): Promise<void>;
}

async function verifierOf(jose: Jose, keys: JwtKeys, settings: JwtSettings): Promise<KeySource> {
  const { secret, pem, jwksFile, jwksUrl } = keys;
  if (secret !== undefined) return fixed(secretOf(secret));
  if (pem !== undefined) {
    const pems = typeof pem === "string" ? [pem] : pem;
    return fixed(jose.createLocalJWKSet({ keys: pems.map(keyOfPem) }));
  }
  const place = jwksFile === undefined ? urlOf(jwksUrl!) : pathToFileURL(resolve(jwksFile));
  const remote = new RemoteKeySet(jose, place, {
    maxAgeMs: settings.keysMaxAgeMs,
    staleMsMax: Math.max(settings.keysMaxAgeMs, settings.keysStaleMsMax),
    cooldownMs: settings.keysCooldownMs,
    timeoutMs: settings.keysTimeoutMs,
    clock: settings.clock,
    fetch: settings.fetch,
    failed: settings.failed,
  });
  // A file must exist at the start. A service may start later than the broker.
  if (jwksFile !== undefined && await remote.finder() === null) {
    throw new TypeError(`Cannot verify tokens: ${jwksFile} is no file with a JSON Web Key Set`);
  }
  return remote;
}

function fixed(key: JoseKey | JoseKeyFinder): KeySource {
  return { finder: () => Promise.resolve(key), refresh: () => Promise.resolve() };
}

function secretOf(secret: string | Uint8Array): Uint8Array {
  const bytes = typeof secret === "string" ? encoder.encode(secret) : secret.slice();
  if (bytes.length >= SECRET_BYTES_MIN) return bytes;
  throw new TypeError(
    `Cannot verify tokens: the secret has ${bytes.length} bytes, of at least ${SECRET_BYTES_MIN}`,
  );
}

function urlOf(url: string | URL): URL {
  const parsed = URL.parse(`${url}`);
  if (parsed?.protocol === "https:") return parsed;
  const isHere = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(parsed?.hostname ?? "");
  if (parsed?.protocol === "http:" && isHere) return parsed;
  throw new TypeError("Cannot verify tokens: jwksUrl does not begin with https://");
}

class JwtAuthenticator implements Authenticator {
  readonly #jose: Jose;
  readonly #settings: JwtSettings;
  readonly #keys: KeySource;

  constructor(jose: Jose, settings: JwtSettings, keys: KeySource) {
    this.#jose = jose;
    this.#settings = settings;
    this.#keys = keys;
  }

  async authenticate(request: ConnectRequest): Promise<Decision> {
    const { username, password } = request;
    const isPassword = this.#settings.tokenIn === "password";
    return await this.#decide(isPassword ? password : username, request);
  }

  begin(method: string, request: ConnectRequest): AuthenticationExchange | null {
    if (method !== this.#settings.method) return null;
    return { next: (data) => this.#step(data, request) };
  }

  async #step(data: Uint8Array | null, request: ConnectRequest): Promise<AuthenticationStep> {
    const { reasonCode, reasonString, ...grant } = await this.#decide(data, request);
    if (reasonCode === ReasonCode.Success) return { kind: "success", ...grant };
    // DISCONNECT cannot carry the code for a bad user name or password.
    const isUnknown = reasonCode === ReasonCode.BadUserNameOrPassword;
    return {
      kind: "failure",
      reasonCode: isUnknown ? ReasonCode.NotAuthorized : reasonCode,
      reasonString: reasonString!,
    };
  }

  async #decide(field: Uint8Array | string | null, request: ConnectRequest): Promise<Decision> {
    const token = this.#tokenOf(field);
    if (token === null) return UNKNOWN_USER;
    const claims = await this.#verify(token);
    return "reasonCode" in claims ? claims as Refusal : this.#grant(claims.claims, request);
  }

  #tokenOf(field: Uint8Array | string | null): string | null {
    if (field === null || field.length > this.#settings.tokenBytesMax) return null;
    const text = typeof field === "string" ? field : decoder.decode(field);
    return TOKEN_REGEXP.test(text) ? text : null;
  }

  async #verify(token: string): Promise<{ claims: JoseClaims } | Refusal> {
    const finder = await this.#keys.finder();
    if (finder === null) return UNAVAILABLE;
    const verified = await this.#verifyWith(token, finder);
    if (verified !== UNKNOWN_KEY) return verified;
    // The keys may have changed since they were read.
    await this.#keys.refresh();
    const newer = await this.#keys.finder();
    if (newer === null) return UNAVAILABLE;
    return newer === finder ? verified : await this.#verifyWith(token, newer);
  }

  async #verifyWith(
    token: string,
    finder: JoseKey | JoseKeyFinder,
  ): Promise<{ claims: JoseClaims } | Refusal> {
    try {
      return { claims: await this.#claimsOf(token, finder) };
    } catch (error) {
      if (isJoseError(error)) return refusalOf(error);
      throw error;
    }
  }

  async #claimsOf(token: string, finder: JoseKey | JoseKeyFinder): Promise<JoseClaims> {
    const rules = this.#rules();
    try {
      return (await this.#jose.jwtVerify(token, finder, rules)).payload;
    } catch (error) {
      // The token does not name its key, and several keys fit. There are few, so each is tried.
      if (!isJoseError(error) || error[Symbol.asyncIterator] === undefined) throw error;
      return await this.#claimsOfAny(token, error as AsyncIterable<JoseKey> & Error, rules);
    }
  }

  async #claimsOfAny(
    token: string,
    keys: AsyncIterable<JoseKey> & Error,
    rules: JoseRules,
  ): Promise<JoseClaims> {
    for await (const key of keys) {
      try {
        return (await this.#jose.jwtVerify(token, key, rules)).payload;
      } catch (error) {
        if (!isJoseError(error) || error.code !== BAD_SIGNATURE) throw error;
      }
    }
    throw keys;
  }

  #rules(): JoseRules {
    const { issuer, audience, algorithms, clockToleranceSeconds, requireExpiry, wallClock } =
      this.#settings;
    return {
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: requireExpiry ? ["exp"] : [],
      currentDate: new Date(wallClock()),
      ...issuer.length > 0 && { issuer },
      ...audience.length > 0 && { audience },
    };
  }

  /** What a valid token grants. */
  #grant(claims: JoseClaims, { username: given }: ConnectRequest): Decision {
    const { usernameClaim, aclClaim, clockToleranceSeconds } = this.#settings;
    const username = usernameClaim === null ? given : claims[usernameClaim];
    if (usernameClaim !== null && (typeof username !== "string" || username === "")) {
      return refused(`Token has no user name in "${usernameClaim}"`);
    }
    let authorizer: TopicAcl | null = null;
    try {
      if (aclClaim !== null) authorizer = new TopicAcl(claims[aclClaim] ?? {});
    } catch (error) {
      return refused(`Token cannot be used: ${(error as Error).message}`);
    }
    const expiry = claims.exp as number | undefined;
    return {
      reasonCode: ReasonCode.Success,
      ...username !== null && { username: username as string },
      ...expiry !== undefined && { expiresAtMs: 1000 * (expiry + clockToleranceSeconds) },
      ...authorizer !== null && { authorizer },
    };
  }
}

const BAD_SIGNATURE = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";

function refused(reasonString: string): Refusal {
  return { reasonCode: ReasonCode.NotAuthorized, reasonString };
}

/**
 * If the signature was right but a claim is not, the client is told which. All other clients are
 * unknown.
 */
function refusalOf({ code, claim }: { code: string; claim?: string }): Refusal {
  if (code === "ERR_JWT_EXPIRED") return EXPIRED;
  if (code === "ERR_JWKS_NO_MATCHING_KEY") return UNKNOWN_KEY;
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED") return refused(`Token has a wrong "${claim}"`);
  return UNKNOWN_USER;
}
