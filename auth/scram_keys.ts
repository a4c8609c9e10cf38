/** The keys and hashes of SCRAM-SHA-256, for client and server. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { saltPassword, SCRAM_ITERATIONS_MAX, SCRAM_ITERATIONS_MIN } from "./salted_password.ts";

/** What a server stores for a user. The password can be found from it only by guessing. */
export interface ScramCredential {
  /** Iterations of PBKDF2; at least 4,096. */
  readonly iterations: number;
  /** The salt. */
  readonly salt: Uint8Array;
  /** Verifies the client's proof: SHA-256 of the client key. 32 bytes. */
  readonly storedKey: Uint8Array;
  /** Proves to the client that the server has the credential. 32 bytes. */
  readonly serverKey: Uint8Array;
}

/** HMAC with SHA-256. */
export function hmac(key: Uint8Array, text: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}

/** SHA-256. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Compares in a time that depends only on the lengths. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The keys of a salted password. */
export function scramKeys(
  salted: Uint8Array,
): { clientKey: Uint8Array; storedKey: Uint8Array; serverKey: Uint8Array } {
  const clientKey = hmac(salted, "Client Key");
  return { clientKey, storedKey: sha256(clientKey), serverKey: hmac(salted, "Server Key") };
}

/** Settings of {@linkcode scramCredential}. */
export interface ScramCredentialOptions {
  /** Iterations of PBKDF2; 4,096 by default, which is also the minimum. */
  iterations?: number;
  /** The salt; 16 random bytes by default. */
  salt?: Uint8Array;
}

/**
 * Makes the credential that a server stores for a password.
 *
 * @throws {RangeError} If there are too few iterations, or no salt.
 * @throws {TypeError} If the password has characters that none may have.
 */
export async function scramCredential(
  password: string,
  options: ScramCredentialOptions = {},
): Promise<ScramCredential> {
  const { iterations = SCRAM_ITERATIONS_MIN } = options;
  const salt = options.salt ?? crypto.getRandomValues(new Uint8Array(16));
  const fault = credentialFault(iterations, salt);
  if (fault !== null) throw new RangeError(`Cannot make a credential: ${fault}`);
  const { storedKey, serverKey } = scramKeys(await saltPassword(password, salt, iterations));
  return { iterations, salt, storedKey, serverKey };
}

/** What is wrong with the numbers of a credential, or `null`. */
export function credentialFault(iterations: number, salt: Uint8Array): string | null {
  if (!Number.isInteger(iterations) || iterations < SCRAM_ITERATIONS_MIN) {
    return `${iterations} iterations, of at least ${SCRAM_ITERATIONS_MIN}`;
  }
  if (iterations > SCRAM_ITERATIONS_MAX) {
    return `${iterations} iterations, of at most ${SCRAM_ITERATIONS_MAX}`;
  }
  return salt.length === 0 ? "the salt is empty" : null;
}
