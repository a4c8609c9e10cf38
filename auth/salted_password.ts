/** The salted password of SCRAM-SHA-256, and the numbers of the method. A browser has all it needs. */
import { saslprep } from "./saslprep.ts";

/** The name of the method, in CONNECT and AUTH. */
export const SCRAM_SHA_256 = "SCRAM-SHA-256";
/** Bytes of each key: those of SHA-256. */
export const SCRAM_KEY_BYTES = 32;
/** The least that RFC 7677 allows. */
export const SCRAM_ITERATIONS_MIN = 4096;
/**
 * The most iterations that a client computes for a server that has proved nothing yet; about five
 * seconds.
 */
export const SCRAM_ITERATIONS_MAX = 10_000_000;

const encoder = new TextEncoder();

/** XOR of two byte strings of the same length. */
export function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, at) => byte ^ other[at]!);
}

/**
 * SaltedPassword of RFC 5802: hashes a password slowly, on another thread.
 *
 * @throws {TypeError} If the password has characters that none may have.
 */
export async function saltPassword(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const prepared = saslprep(password);
  if (prepared === null) throw new TypeError("Cannot use the password: it has a control character");
  const bytes = encoder.encode(prepared);
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 8 * SCRAM_KEY_BYTES));
}
