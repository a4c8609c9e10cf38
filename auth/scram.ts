/** The authenticator for SCRAM-SHA-256, on the server's side. */
import { randomBytes } from "node:crypto";
import { ReasonCode } from "../codec/mod.ts";
import type { AuthenticationExchange, AuthenticationStep, Authenticator } from "./authenticator.ts";
import { SCRAM_ITERATIONS_MIN, SCRAM_SHA_256, xor } from "./salted_password.ts";
import { hmac, isSame, type ScramCredential, sha256 } from "./scram_keys.ts";
import { type ClientFirst, parseClientFinal, parseClientFirst } from "./scram_message.ts";

/** The credentials of users. */
export interface ScramStore {
  /** The credential of a user, or `null`. */
  find(username: string): ScramCredential | null | Promise<ScramCredential | null>;
  /** The form of most credentials. The decoy credential of an unknown user has the same form. */
  readonly typical?: { readonly iterations: number; readonly saltBytes: number };
}

/** Settings of {@linkcode scramAuthenticator}. */
export interface ScramOptions {
  /** The credentials. */
  store: ScramStore;
  /**
   * The secret from which the salts of unknown users are made. Random by default. Set it to the
   * same value after a restart: if only these salts change, a client can tell which users exist.
   */
  decoyKey?: Uint8Array;
  /** Makes the server's part of a nonce, printable ASCII without commas; random by default. */
  nonce?: () => string;
}

const encoder = new TextEncoder();

/**
 * An authenticator for SCRAM-SHA-256 (RFC 5802, RFC 7677), by the enhanced authentication of MQTT
 * 5. The client never sends the password, the server does not store it, and each side proves to the
 * other that it knows the credential.
 *
 * There is no channel binding. A client that sends a user name and password instead is not known
 * here. To a client, an unknown user looks like one with a wrong password.
 *
 * @example A user, and a client with the password
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

/** What was exchanged so far. */
interface Asked {
  readonly first: ClientFirst;
  readonly credential: ScramCredential;
  readonly nonce: string;
  readonly serverFirst: string;
}

/** The authentication of one client: one challenge and one proof. */
class ScramExchange implements AuthenticationExchange {
  readonly #server: ScramServer;
  #asked: Asked | null = null;

  constructor(server: ScramServer) {
    this.#server = server;
  }

  async next(data: Uint8Array | null): Promise<AuthenticationStep> {
    const asked = this.#asked;
    if (asked === null) return await this.#ask(data);
    // A second attempt needs a second exchange.
    this.#asked = null;
    return verify(asked, data);
  }

  /** Sends the challenge for the user name that the client claims. */
  async #ask(data: Uint8Array | null): Promise<AuthenticationStep> {
    const first = parseClientFirst(data);
    if (first === null) return refusal("Not the first message of SCRAM without channel binding");
    const { store, nonce: newNonce } = this.#server;
    // It is made for every client, so that the time does not reveal which users exist.
    const decoy = this.#decoy(first.username);
    const credential = await store.find(first.username) ?? decoy;
    const nonce = first.nonce + newNonce();
    const { salt, iterations } = credential;
    const serverFirst = `r=${nonce},s=${salt.toBase64()},i=${iterations}`;
    this.#asked = { first, credential, nonce, serverFirst };
    return { kind: "continue", data: encoder.encode(serverFirst) };
  }

  /** The credential of an unknown user. It is always the same, and no password matches it. */
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

/** Both CONNACK and DISCONNECT can carry this code. */
function refusal(reasonString: string): AuthenticationStep {
  return { kind: "failure", reasonCode: ReasonCode.NotAuthorized, reasonString };
}
