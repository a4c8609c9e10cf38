/**
 * The admin listener of a broker: its HTTP server, with every route that there is.
 *
 * @module
 */
import type { Authenticator } from "../auth/authenticator.ts";
import type { Authorizer } from "../auth/authorizer.ts";
import type { Broker } from "../broker/broker.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { TlsServerOptions } from "../transport/tls_options.ts";
import { Access } from "./access/access.ts";
import { isLoopback } from "./access/loopback.ts";
import { hashToken, newToken, TokenFile } from "./access/token_file.ts";
import { AdminApi } from "./api/api.ts";
import type { Operations } from "./api/operations.ts";
import type { ServedApi } from "./api/served_api.ts";
import { HttpListener } from "./http/http_listener.ts";
import { filesOf } from "./http/static_files.ts";
import { RequestHandler } from "./http/request_handler.ts";
import { LoopbackServer } from "./http/loopback_server.ts";
import { MQTT_PATH, MqttDoor } from "./page/mqtt_door.ts";
import { openPage } from "./page/page.ts";

/** The port of mosquitto's HTTP API. */
const USUAL_PORT = 9883;

/** The address of an admin listener, and who may use it. */
export interface AdminOptions {
  /** The address to bind to; 127.0.0.1 by default. */
  hostname?: string;
  /** The port, or 0 for any that is free; 9883 by default. */
  port?: number;
  /** The TLS settings; no TLS by default. */
  tls?: TlsServerOptions;
  /** The host names of the listener, besides addresses. Requests to others are refused. */
  names?: readonly string[];
  /**
   * The path of a file of tokens, as `deno task token` writes it, or its contents; none by default.
   */
  tokenFile?: string | TokenFile | null;
  /** Accounts that may use it, if `rules` give them a right to `$CONTROL/admin`; none by default. */
  accounts?: Authenticator | null;
  /** The rights of the accounts. */
  rules?: Authorizer | null;
  /** Whether everyone who reaches the listener is allowed everything; false by default. */
  allowAnonymous?: boolean;
  /** A folder of files that are served in place of the page; none by default. */
  directory?: string | null;
  /** Further operations of the program, such as a reload of its configuration. */
  operations?: Operations;
  /**
   * What it serves in place of the API of the broker; it is closed with the listener.
   *
   * @internal
   */
  api?: (operations: Operations) => Promise<ServedApi>;
  /**
   * The token of callers where nothing else lets them in; a random one by default.
   *
   * @internal
   */
  token?: () => string;
}

/** An admin listener that is open. */
export class AdminListener implements AsyncDisposable {
  /** The random token of this run; `null` if callers authenticate in another way. */
  readonly token: string | null;
  readonly #listener: HttpListener;
  readonly #server: LoopbackServer;
  readonly #api: ServedApi;
  readonly #access: Access;
  readonly #door: MqttDoor;
  #closing: Promise<void> | null = null;

  private constructor(
    listener: HttpListener,
    server: LoopbackServer,
    api: ServedApi,
    access: Access,
    door: MqttDoor,
    token: string | null,
  ) {
    this.#listener = listener;
    this.#server = server;
    this.#api = api;
    this.#access = access;
    this.#door = door;
    this.token = token;
  }

  /**
   * Use {@linkcode listenAdmin}.
   *
   * @internal
   */
  static async open(broker: Broker, options: AdminOptions): Promise<AdminListener> {
    const { hostname = "127.0.0.1", port = USUAL_PORT, tls, directory = null } = options;
    const { token, access: known } = await accessOf(hostname, options, options.token);
    const { inspection } = broker;
    const access = new Access(known, inspection.clock);
    const other = directory === null ? null : await filesOf(directory);
    const { operations = {} } = options;
    const api = await options.api?.(operations) ?? new AdminApi(broker, operations);
    const names = [hostname, ...options.names ?? []];
    const reportError = (error: unknown) => inspection.reportError(error);
    const page = directory === null ? openPage(api.slices, reportError) : null;
    const handler = new RequestHandler({
      routes: api.routes,
      access,
      pace: api.pace,
      names,
      page: page === null ? null : (request, url) => page.answer(request, url),
      other,
      audit: operations.audit ?? (() => {}),
      reportError,
    });
    const door = new MqttDoor(broker, access, names);
    const enter = (pipe: Transport, peer: PeerInfo) => door.enter(pipe, peer);
    api.countAnswers(handler.answered);
    const server = new LoopbackServer(handler.answer);
    try {
      const endpoint = { hostname, port, tls, door: { path: MQTT_PATH, enter } };
      const listener = new HttpListener(endpoint, server, inspection.clock);
      return new AdminListener(listener, server, api, access, door, token);
    } catch (error) {
      api.close();
      await server.close();
      throw error;
    }
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#listener.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#listener.port;
  }

  /** Takes other certificates; they hold from the next handshake on. */
  reload(tls: TlsServerOptions): void {
    this.#listener.reload(tls);
  }

  /**
   * Replaces the tokens, accounts and rights, and ends live views, traces and the connections of the
   * page, so that their callers show who they are again. The random token, if any, stays valid only if there
   * is no other way to authenticate.
   *
   * @throws If the file of tokens cannot be used; nothing has changed then.
   */
  async changeAccess(options: AdminOptions): Promise<void> {
    const { access } = await accessOf(this.hostname, options, () => this.token ?? newToken());
    this.#access.change(access);
    this.#api.endViews();
    this.#door.renew();
  }

  /** Stops listening, and closes every connection. Closing again waits for the same. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes the listener. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#api.close();
    this.#door.close();
    await this.#listener.close();
    await this.#server.close();
  }
}

/**
 * Opens an admin listener for a broker: the page, the API, metrics and health. It is closed with
 * `close()`, before the broker.
 *
 * Callers need a token of `tokenFile`, or an account with a right to `$CONTROL/admin`. Without
 * either, the listener can only be opened on the loopback interface, and callers need `token`.
 *
 * @example
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { listenAdmin } from "@fairway/mqtt/admin";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using admin = await listenAdmin(broker, { port: 0 });
 * const response = await fetch(`http://127.0.0.1:${admin.port}/ready`);
 * assertEquals(await response.json(), { status: "ready", reasons: [] });
 * ```
 *
 * @throws {TypeError} If it would be open to other machines without authentication.
 * @throws If the address cannot be bound, or a file cannot be used.
 */
export async function listenAdmin(
  broker: Broker,
  options: AdminOptions = {},
): Promise<AdminListener> {
  return await AdminListener.open(broker, options);
}

async function accessOf(
  hostname: string,
  options: AdminOptions,
  makeToken: () => string = newToken,
) {
  const { tokenFile = null, accounts = null, rules = null, allowAnonymous = false } = options;
  let tokens = typeof tokenFile === "string" ? await TokenFile.open(tokenFile) : tokenFile;
  let token: string | null = null;
  const isClosed = tokens === null && (accounts === null || rules === null) && !allowAnonymous;
  if (isClosed) {
    if (!isLoopback(hostname)) {
      throw new TypeError(
        `Cannot open the admin listener on ${hostname} without a file of tokens, or accounts ` +
          "and rules: only this machine may be let in without",
      );
    }
    token = makeToken();
    const hash = await hashToken(token);
    tokens = new TokenFile([{ name: "printed-at-start", scope: "write", hash }]);
  }
  return { token, access: { tokens, accounts, rules, allowAnonymous } };
}
