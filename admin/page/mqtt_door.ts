/**
 * MQTT over WebSocket on the admin listener, at `/mqtt`, for the page. Whoever has a token with the
 * scope `write` may connect: the token is the password. Such a token may publish everything and
 * read every payload by the API, so its client may use every topic; the rules of accounts do not
 * hold here.
 *
 * @module
 */
import type { Authenticator, ConnectRequest, Decision } from "../../auth/authenticator.ts";
import type { ListenerPolicy } from "../../broker/base/listener_policy.ts";
import type { Broker } from "../../broker/broker.ts";
import { TokenBucket } from "../../broker/limits/token_bucket.ts";
import { ReasonCode } from "../../codec/mod.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { WebSocketServerTransport } from "../../transport/websocket_server.ts";
import type { Access } from "../access/access.ts";
import { checkHost, checkOrigin } from "../http/origin_check.ts";
import { RequestError } from "../http/request_error.ts";

/** Where it is. */
export const MQTT_PATH = "/mqtt";
/** The name of the listener, in logs and in lists of clients. */
const LISTENER_NAME = "page";
/** Clients at the same time; past it they are refused as busy. */
export const PAGE_CLIENTS_MAX = 32;
/** Seconds that a session may outlive its connection: a page does not come back for long. */
const SESSION_SECONDS_MAX = 300;

/** Takes the WebSockets of the page. */
export class MqttDoor {
  readonly #broker: Broker;
  readonly #access: Access;
  readonly #names: readonly string[];
  #policy: ListenerPolicy;

  /** @param names Names by which the listener is known, beside its addresses. */
  constructor(broker: Broker, access: Access, names: readonly string[]) {
    this.#broker = broker;
    this.#access = access;
    this.#names = names;
    this.#policy = this.#newPolicy();
  }

  /**
   * Opens the WebSocket that a client asks for, and passes it to the broker.
   *
   * @throws If there is no WebSocket, or its page comes from elsewhere. The caller closes the pipe.
   */
  async enter(pipe: Transport, peer: PeerInfo): Promise<void> {
    const transport = new WebSocketServerTransport(pipe, { path: MQTT_PATH }, this.#idling());
    const given = await transport.open();
    if (given === null) throw new Error("The client has left before it asked for a WebSocket");
    const headers = new Headers([...given].filter(([name]) => /^[a-z-]+$/.test(name)));
    checkHost(headers, this.#names);
    checkOrigin(headers);
    this.#broker.accept(transport, peer, this.#policy);
  }

  /** Disconnects every client; they have to show their tokens again. */
  renew(): void {
    this.#broker.disconnectClients(this.#policy);
    this.#policy = this.#newPolicy();
  }

  /** Disconnects every client, and lets nobody in any more. */
  close(): void {
    this.#broker.disconnectClients(this.#policy);
  }

  #newPolicy(): ListenerPolicy {
    const authenticator: Authenticator = { authenticate: (request) => this.#decide(request) };
    return this.#broker.listenerPolicy({
      name: LISTENER_NAME,
      authenticator,
      authorizer: null,
      control: null,
      allowAnonymous: true,
      mountPoint: "",
      connectionsMax: PAGE_CLIENTS_MAX,
      sessionExpirySecondsMax: SESSION_SECONDS_MAX,
    });
  }

  async #decide({ username, password, address }: ConnectRequest): Promise<Decision> {
    try {
      const headers = new Headers();
      if (password !== null) {
        headers.set("authorization", authorizationOf(username ?? "", password));
      }
      const { name, scope } = await this.#access.callerOf(headers, address);
      if (scope === "write") {
        return { reasonCode: ReasonCode.Success, username: name === "" ? "anyone" : name };
      }
      return refused(ReasonCode.NotAuthorized, "This takes a token with the scope write");
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const code = error.status === 429
        ? ReasonCode.ConnectionRateExceeded
        : ReasonCode.BadUserNameOrPassword;
      return refused(code, error.message);
    }
  }

  /** Limits the frames without data, as on other listeners. */
  #idling(): () => boolean {
    const { clock, limits: { idleFramesPerSecondMax: max } } = this.#broker;
    const bucket = new TokenBucket(max, max, clock.now());
    return () => max === 0 || bucket.take(clock.now());
  }
}

/**
 * A token as it is, without a user name; else a name and a password.
 *
 * @throws {RequestError} 401 if it cannot be a token.
 */
function authorizationOf(username: string, password: Uint8Array): string {
  if (username === "") {
    const token = new TextDecoder().decode(password);
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    throw new RequestError(401, "The password is no token");
  }
  const name = new TextEncoder().encode(`${username}:`);
  const bytes = new Uint8Array(name.length + password.length);
  bytes.set(name);
  bytes.set(password, name.length);
  return `Basic ${bytes.toBase64()}`;
}

function refused(reasonCode: number, reasonString: string): Decision {
  return { reasonCode, reasonString };
}
