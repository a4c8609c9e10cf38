/** The password hashes of mosquitto: reads, writes, makes and checks them. */
import { timingSafeEqual } from "node:crypto";

/** The ways in which mosquitto hashes passwords. */
export type PasswordScheme = "sha512" | "sha512-pbkdf2";

/** A hashed password. */
export interface PasswordHash {
  /** How it was hashed. */
  readonly scheme: PasswordScheme;
  /** Iterations of PBKDF2; 1 for plain SHA-512. */
  readonly iterations: number;
  /** Hashed with the password. */
  readonly salt: Uint8Array<ArrayBuffer>;
  /** The hash, 64 bytes. */
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** Bytes of a SHA-512. */
const HASH_BYTES = 64;
/** Bytes of a new salt, as mosquitto has them. */
const SALT_BYTES = 12;
/** The most iterations. With more, a login would take over a minute. */
export const ITERATIONS_MAX = 100_000_000;

/**
 * Reads a hash as mosquitto writes it: `$6$salt$hash` or
 * `$7$iterations$salt$hash`, both in base 64.
 *
 * @returns The hash, or what is wrong with it.
 */
export function parsePasswordHash(text: string): PasswordHash | string {
  const [before, scheme, ...parts] = text.split("$");
  if (before !== "" || scheme === undefined) {
    return "the password is not hashed: hash the file with `deno task passwd -U FILE`";
  }
  if (scheme !== "6" && scheme !== "7") return `unknown hash "$${scheme}$": expected $6$ or $7$`;
  const expected = scheme === "6" ? "$6$SALT$HASH" : "$7$ITERATIONS$SALT$HASH";
  if (parts.length !== (scheme === "6" ? 2 : 3)) return `the hash is not of the form ${expected}`;
  const count = scheme === "6" ? "1" : parts.shift()!;
  const iterations = /^\d+$/.test(count) ? Number(count) : 0;
  if (iterations < 1 || iterations > ITERATIONS_MAX) {
    return `the number of iterations is not a whole number from 1 to ${ITERATIONS_MAX}`;
  }
  const [salt, hash] = parts.map(fromBase64);
  if (!salt || salt.length === 0) return "the salt is not base 64";
  if (!hash || hash.length !== HASH_BYTES) return "the hash is not base 64 of 64 bytes";
  return { scheme: scheme === "6" ? "sha512" : "sha512-pbkdf2", iterations, salt, hash };
}

/** Writes a hash as mosquitto reads it. */
export function formatPasswordHash({ scheme, iterations, salt, hash }: PasswordHash): string {
  const tail = `${salt.toBase64()}$${hash.toBase64()}`;
  return scheme === "sha512" ? `$6$${tail}` : `$7$${iterations}$${tail}`;
}

/** Hashes a password with a new random salt. */
export async function hashPassword(
  password: Uint8Array,
  scheme: PasswordScheme,
  iterations: number,
): Promise<PasswordHash> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const blank = { scheme, iterations, salt, hash: new Uint8Array(HASH_BYTES) };
  return { ...blank, hash: await derive(password, blank) };
}

/**
 * Whether a password is the one that was hashed. The work is done on a thread of the runtime, and
 * takes the same time whatever is wrong.
 */
export async function isPassword(password: Uint8Array, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, hash), hash.hash);
}

async function derive(
  password: Uint8Array,
  { scheme, iterations, salt }: PasswordHash,
): Promise<Uint8Array<ArrayBuffer>> {
  const { subtle } = crypto;
  if (scheme === "sha512") {
    const both = new Uint8Array(password.length + salt.length);
    both.set(password);
    both.set(salt, password.length);
    return new Uint8Array(await subtle.digest("SHA-512", both));
  }
  const key = await subtle.importKey("raw", password.slice(), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations };
  return new Uint8Array(await subtle.deriveBits(how, key, HASH_BYTES * 8));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}
