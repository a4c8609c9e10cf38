/** SCRAM-SHA-256 on the client's side. */
import { toBase64 } from "../auth/base64.ts";
import { saslprep } from "../auth/saslprep.ts";
import {
  saltPassword,
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  SCRAM_SHA_256,
  xor,
} from "../auth/salted_password.ts";
import { formatName, parseServerFinal, parseServerFirst } from "../auth/scram_message.ts";
import type { ClientAuthentication } from "./authentication.ts";

/** Settings of {@linkcode scramSha256}. */
export interface ClientScramOptions {
  /**
   * The fewest iterations that a server may ask for; 4,096 by default, which is also the minimum.
   */
  iterationsMin?: number;
  /** The most iterations that a server may ask for; ten million by default. */
  iterationsMax?: number;
  /** Makes nonces, printable ASCII without commas; random by default. */
  nonce?: () => string;
}

/** No channel binding, and no authorization identity. */
const HEADER = "n,,";
const encoder = new TextEncoder();

/**
 * Authenticates the client by SCRAM-SHA-256 (RFC 5802, RFC 7677). The server must prove in return
 * that it has the credential; otherwise the connection is closed.
 *
 * @returns A value for the option `authentication` of `connect()`. Use it for one client at a time.
 * @throws {TypeError} If the user name has characters that none may have.
 * @throws {RangeError} If `iterationsMin` is less than 4,096.
 */
export function scramSha256(
  username: string,
  password: string,
  options: ClientScramOptions = {},
): ClientAuthentication {
  return new ScramClient(username, password, options);
}

class ScramClient implements ClientAuthentication {
  readonly method = SCRAM_SHA_256;
  readonly #name: string;
  readonly #password: string;
  readonly #options: Required<ClientScramOptions>;
  #nonce = "";
  /** The signature that the server must send at the end. */
  #signature: Uint8Array | null = null;
  /** The last salted password. The server usually asks for the same salt again. */
  #salted: { readonly how: string; readonly keys: Promise<Uint8Array<ArrayBuffer>> } | null = null;

  constructor(username: string, password: string, options: ClientScramOptions) {
    const name = saslprep(username);
    if (name === null || name === "") {
      throw new TypeError("Cannot use the user name: it is empty, or has a control character");
    }
    this.#name = name;
    this.#password = password;
    this.#options = {
      iterationsMin: SCRAM_ITERATIONS_MIN,
      iterationsMax: SCRAM_ITERATIONS_MAX,
      nonce: () => toBase64(crypto.getRandomValues(new Uint8Array(18))),
      ...options,
    };
    if (!(this.#options.iterationsMin >= SCRAM_ITERATIONS_MIN)) {
      throw new RangeError(
        `Cannot allow ${options.iterationsMin} iterations: fewer than ${SCRAM_ITERATIONS_MIN}`,
      );
    }
  }

  get #first(): string {
    return `n=${formatName(this.#name)},r=${this.#nonce}`;
  }

  begin(): Uint8Array {
    this.#nonce = this.#options.nonce();
    this.#signature = null;
    return encoder.encode(HEADER + this.#first);
  }

  async next(data: Uint8Array | null): Promise<Uint8Array> {
    const asked = parseServerFirst(data);
    if (asked === null) throw new Error("The server does not speak SCRAM");
    if (asked.nonce.length <= this.#nonce.length || !asked.nonce.startsWith(this.#nonce)) {
      throw new Error("The server answers somebody else, or adds nothing of its own");
    }
    const { iterationsMin, iterationsMax } = this.#options;
    if (asked.iterations < iterationsMin || asked.iterations > iterationsMax) {
      throw new Error(
        `The server asks for ${asked.iterations} iterations, not ${iterationsMin} to ${iterationsMax}`,
      );
    }
    const salted = await this.#saltedWith(asked.salt, asked.iterations);
    const clientKey = await hmac(salted, "Client Key");
    const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
    const serverKey = await hmac(salted, "Server Key");
    const bare = `c=${toBase64(encoder.encode(HEADER))},r=${asked.nonce}`;
    const transcript = `${this.#first},${asked.text},${bare}`;
    this.#signature = await hmac(serverKey, transcript);
    const proof = xor(clientKey, await hmac(storedKey, transcript));
    return encoder.encode(`${bare},p=${toBase64(proof)}`);
  }

  finish(data: Uint8Array | null): void {
    const wanted = this.#signature;
    this.#signature = null;
    const shown = parseServerFinal(data);
    if (wanted === null || shown === null || !isSame(wanted, shown)) {
      throw new Error("The server cannot prove that it knows the password");
    }
  }

  #saltedWith(salt: Uint8Array, iterations: number): Promise<Uint8Array<ArrayBuffer>> {
    const how = `${iterations} ${toBase64(salt)}`;
    if (this.#salted?.how !== how) {
      this.#salted = { how, keys: saltPassword(this.#password, salt, iterations) };
    }
    return this.#salted.keys;
  }
}

/** HMAC with SHA-256. It is that of WebCrypto, which browsers have, too. */
async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const how = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, how, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)));
}

/** Compares in a time that depends only on the lengths. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (const [at, byte] of one.entries()) difference |= byte ^ other[at]!;
  return difference === 0;
}
