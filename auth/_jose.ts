/**
 * The part of the package `jose` that Fairway uses, and how it is loaded.
 *
 * @module
 */

/**
 * A constant, not a literal in the `import()`. With a literal, the runtime would fetch the package
 * for every program that imports Fairway, even without tokens.
 */
const JOSE = "npm:jose@6.2.17";

/** A key that `jose` has made. */
export type JoseKey = object;

/** The header of a token. */
export interface JoseHeader {
  readonly alg?: string;
}

/** The claims of a token. */
export type JoseClaims = Record<string, unknown>;

/** Finds the key for a header. */
export type JoseKeyFinder = (header: JoseHeader, token: unknown) => Promise<JoseKey>;

/** What is checked in a token besides its signature. */
export interface JoseRules {
  algorithms: readonly string[];
  issuer?: string | readonly string[];
  audience?: string | readonly string[];
  clockTolerance: number;
  requiredClaims: readonly string[];
  currentDate: Date;
}

/** The package. */
export interface Jose {
  jwtVerify(
    token: string,
    key: JoseKey | JoseKeyFinder,
    rules: JoseRules,
  ): Promise<{ payload: JoseClaims }>;
  createLocalJWKSet(keys: { keys: readonly object[] }): JoseKeyFinder;
}

/** What `jose` throws. It has a code, and sometimes keys to try. */
export interface JoseError extends Error {
  readonly code: string;
  readonly claim?: string;
  [Symbol.asyncIterator]?: () => AsyncIterator<JoseKey>;
}

/** Loads the package from the cache of the runtime, or from npm. */
export async function loadJose(): Promise<Jose> {
  return await import(JOSE) as Jose;
}

/** Whether an error comes from `jose`. */
export function isJoseError(error: unknown): error is JoseError {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    error.code.startsWith("ERR_J");
}
