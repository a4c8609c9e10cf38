import { randomBytes } from "node:crypto";
import { ReasonCode } from "../codec/mod.ts";
import type { AuthenticationExchange, AuthenticationStep, Authenticator } from "./authenticator.ts";
import {
  hmac,
  isSame,
  SCRAM_ITERATIONS_MIN,
  SCRAM_SHA_256,
  type ScramCredential,
  sha256,
  xor,
} from "./scram_keys.ts";
import { type ClientFirst, parseClientFinal, parseClientFirst } from "./scram_message.ts";

/** Where the credentials of users are. */
export interface ScramStore {
  /** The credential of a user, or `null`. */
  find(username: string): ScramCredential | null | Promise<ScramCredential | null>;
  /** What most credentials look like: so does that of a user who does not exist. */
  readonly typical?: { readonly iterations: number; readonly saltBytes: number };
}

/** Settings of {@linkcode scramAuthenticator}. */
export interface ScramOptions {
  /** Where the credentials are. */
  store: ScramStore;
  /**
   * From this the salts of users who do not exist are made. It is a secret, and
   * should be the same after a restart: if those salts change and others do
   * not, they are told apart. Random by default.
   */
  decoyKey?: Uint8Array;
  /** Makes the server's part of a nonce, printable and without commas; random by default. */
  nonce?: () => string;
}

const encoder = new TextEncoder();

/**
 * Lets clients in by SCRAM-SHA-256 (RFC 5802, RFC 7677), with the enhanced
 * authentication of MQTT 5: the password never travels, the server cannot lose
 * it, and each side proves to the other that it knows it.
 *
 * Without channel binding, and only with that method: who comes with a user
 * name and password instead is not known. A user who does not exist looks to
 * the client like one whose password is wrong.
 *
 * @example A user, and a client that knows the password
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { connect, scramSha256 } from "@fairway/mqtt/client";
 * import { scramAuthenticator, scramCredential } from "@fairway/mqtt/auth";
 *
 * const users = new Map([["ann", await scramCredential("pencil")]]);
 * const store = { find: (username: string) => users.get(username) ?? null };
 * await using broker = new Broker({ authenticator: scramAuthenticator({ store }) });
 * const { port } = await broker.listen({ port: 0 });
 *
 * const authentication = scramSha256("ann", "pencil");
 * await using client = await connect(`mqtt://127.0.0.1:${port}`, { authentication });
 * ```
 */
export function scramAuthenticator(options: ScramOptions): Authenticator {
  const server: ScramServer = {
    store: options.store,
    decoyKey: options.decoyKey ?? randomBytes(32),
    nonce: options.nonce ?? (() => randomBytes(18).toString("base64")),
  };
  return {
    authenticate: () => ({ reasonCode: ReasonCode.BadUserNameOrPassword }),
    begin: (method) => method === SCRAM_SHA_256 ? new ScramExchange(server) : null,
  };
}

/** What all exchanges share. */
type ScramServer = Required<ScramOptions>;

/** What was said so far. */
interface Asked {
  readonly first: ClientFirst;
  readonly credential: ScramCredential;
  readonly nonce: string;
  readonly serverFirst: string;
}

/** One client's authentication: it is asked once, and answers once. */
class ScramExchange implements AuthenticationExchange {
  readonly #server: ScramServer;
  #asked: Asked | null = null;

  constructor(server: ScramServer) {
    this.#server = server;
  }

  async next(data: Uint8Array | null): Promise<AuthenticationStep> {
    const asked = this.#asked;
    if (asked === null) return await this.#ask(data);
    // A second guess takes a second exchange.
    this.#asked = null;
    return verify(asked, data);
  }

  /** Asks whoever says to be a user for the proof. */
  async #ask(data: Uint8Array | null): Promise<AuthenticationStep> {
    const first = parseClientFirst(data);
    if (first === null) return refusal("Not the first message of SCRAM without channel binding");
    const { store, nonce: newNonce } = this.#server;
    // Made for everyone, so that it takes as long for those who exist.
    const decoy = this.#decoy(first.username);
    const credential = await store.find(first.username) ?? decoy;
    const nonce = first.nonce + newNonce();
    const { salt, iterations } = credential;
    const serverFirst = `r=${nonce},s=${salt.toBase64()},i=${iterations}`;
    this.#asked = { first, credential, nonce, serverFirst };
    return { kind: "continue", data: encoder.encode(serverFirst) };
  }

  /** The credential of a user who does not exist: no password fits, and it is always the same. */
  #decoy(username: string): ScramCredential {
    const { store, decoyKey } = this.#server;
    const { iterations = SCRAM_ITERATIONS_MIN, saltBytes = 16 } = store.typical ?? {};
    return {
      iterations,
      salt: hmac(decoyKey, `salt ${username}`).slice(0, saltBytes),
      storedKey: hmac(decoyKey, `stored ${username}`),
      serverKey: hmac(decoyKey, `server ${username}`),
    };
  }
}

function verify(asked: Asked, data: Uint8Array | null): AuthenticationStep {
  const final = parseClientFinal(data);
  const { first, credential, serverFirst, nonce } = asked;
  if (final === null || final.nonce !== nonce) return refusal("Not the second message of SCRAM");
  if (final.binding !== encoder.encode(first.header).toBase64()) {
    return refusal("Another channel binding than at first");
  }
  const transcript = `${first.bare},${serverFirst},${final.bare}`;
  const clientKey = xor(final.proof, hmac(credential.storedKey, transcript));
  if (!isSame(sha256(clientKey), credential.storedKey)) {
    return refusal("User name or password is wrong");
  }
  const signature = hmac(credential.serverKey, transcript).toBase64();
  return { kind: "success", username: first.username, data: encoder.encode(`v=${signature}`) };
}

/** CONNACK and DISCONNECT alike can carry this code. */
function refusal(reasonString: string): AuthenticationStep {
  return { kind: "failure", reasonCode: ReasonCode.NotAuthorized, reasonString };
}
