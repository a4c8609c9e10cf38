/**
 * The part of the package `jose` that Fairway uses, and where it comes from.
 *
 * @module
 */

/**
 * Not written out in the `import()`: the runtime would then fetch the package
 * for every program that imports Fairway, whether it has tokens or not.
 */
const JOSE = "npm:jose@6.2.17";

/** A key as `jose` has it, made by itself. */
export type JoseKey = object;

/** The header of a token. */
export interface JoseHeader {
  readonly alg?: string;
}

/** What a token claims. */
export type JoseClaims = Record<string, unknown>;

/** Finds the key for a header. */
export type JoseKeyFinder = (header: JoseHeader, token: unknown) => Promise<JoseKey>;

/** What is asked of a token beside its signature. */
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

/** What `jose` throws: it has a code, and now and then keys to try. */
export interface JoseError extends Error {
  readonly code: string;
  readonly claim?: string;
  [Symbol.asyncIterator]?: () => AsyncIterator<JoseKey>;
}

/** Loads the package; from the cache of the runtime, or else from the registry of npm. */
export async function loadJose(): Promise<Jose> {
  return await import(JOSE) as Jose;
}

/** Tells an error of `jose` from others. */
export function isJoseError(error: unknown): error is JoseError {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    error.code.startsWith("ERR_J");
}
