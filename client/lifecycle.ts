/** The states of a client: connecting, connected, waiting to reconnect, and closed. */
import { PacketError, ReasonCode } from "../codec/mod.ts";
import { Log } from "../log/log.ts";
import { Receipt } from "../log/receipt.ts";
import type { Transport } from "../transport/transport.ts";
import { Backoff } from "./backoff.ts";
import { type Endpoint, endpointText } from "./endpoint.ts";
import { asError, ClientError, ConnectError, DisconnectedError, TimeoutError } from "./errors.ts";
import { introduce } from "./handshake.ts";
import { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { type ServerInfo, serverInfoOf } from "./server_info.ts";
import type { Session } from "./session.ts";
import type { ClientState } from "./state.ts";

/** How a client is closed. */
export interface CloseOptions {
  /**
   * How long to wait for published messages, and for the server to close, in milliseconds; 1,000 by
   * default.
   */
  graceMs?: number;
  /** Whether the server still publishes the will; false by default. */
  withWill?: boolean;
}

/** Reason Codes after which another attempt would only be refused again. */
const FINAL_CODES: ReadonlySet<number> = new Set([
  ReasonCode.UnsupportedProtocolVersion,
  ReasonCode.ClientIdentifierNotValid,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.Banned,
  ReasonCode.BadAuthenticationMethod,
  // Another client uses this identifier now. A reconnect would disconnect it, and so on.
  ReasonCode.SessionTakenOver,
  ReasonCode.AdministrativeAction,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
]);

/** The life of a client: it connects, reconnects, and ends. */
export class Lifecycle {
  /** Every state, for readers of `states()`. */
  readonly states = new Log<ClientState>();
  readonly #endpoint: Endpoint;
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #backoff: Backoff;
  /** Aborts when the client ends. */
  readonly #ending = new AbortController();
  readonly #abort = () => this.#end(asError(this.#settings.signal!.reason));
  #state: ClientState = { kind: "connecting", attempt: 1 };
  #link: Link | null = null;
  #server: ServerInfo | null = null;
  #running: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  /** Makes the lifecycle. It does nothing before {@linkcode open}. */
  constructor(endpoint: Endpoint, settings: Settings, session: Session) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#session = session;
    this.#backoff = new Backoff(settings.reconnect || {}, settings.random);
  }

  /** The current state. */
  get state(): ClientState {
    return this.#state;
  }

  /** What the last CONNACK said about the server; `null` before the first connection. */
  get server(): ServerInfo | null {
    return this.#server;
  }

  /** Why the client is closed; `null` while it is not. */
  get closedError(): DisconnectedError | null {
    if (this.#closing === null && this.#state.kind !== "closed") return null;
    const cause = this.#state.kind === "closed" ? this.#state.error : null;
    return new DisconnectedError("The client is closed", cause === null ? {} : { cause });
  }

  /**
   * Connects for the first time.
   *
   * @throws {ClientError} If that fails.
   */
  async open(): Promise<void> {
    const { signal, cleanStart } = this.#settings;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#abort, { once: true });
    this.#set({ kind: "connecting", attempt: 1 });
    try {
      await this.#attempt(cleanStart);
    } catch (error) {
      this.#end(asError(error));
      throw error;
    }
    this.#running = this.#run();
  }

  /** Waits for published messages, sends DISCONNECT, and ends. */
  close(options: CloseOptions): Promise<void> {
    return this.#closing ??= this.#close(options);
  }

  async #close({ graceMs = 1000, withWill = false }: CloseOptions): Promise<void> {
    const { clock } = this.#settings;
    const untilMs = clock.now() + graceMs;
    const patience = new AbortController();
    const cancel = clock.schedule(untilMs, () => patience.abort());
    const link = this.#link;
    if (link !== null) {
      this.#session.endSubscriptions(null);
      // Messages that were not sent by then are rejected.
      const lost = link.connection.gone.then(() => patience.abort());
      await this.#session.outgoing.idle(patience.signal).catch(() => {});
      cancel();
      await this.#disconnect(link, withWill, Math.max(0, untilMs - clock.now()));
      await lost;
    }
    cancel();
    this.#end(null);
    await this.#running;
  }

  async #disconnect(link: Link, withWill: boolean, graceMs: number): Promise<void> {
    const { protocolVersion, keepsSession } = this.#settings;
    // In 3.1.1 the server publishes the will only if no DISCONNECT is sent.
    if (withWill && protocolVersion !== 5) {
      return link.connection.fail(new DisconnectedError("The client is closed"));
    }
    const reasonCode = withWill ? ReasonCode.DisconnectWithWill : ReasonCode.Success;
    const properties = keepsSession ? {} : { sessionExpiryInterval: 0 };
    await link.connection.finish({ type: "disconnect", reasonCode, properties }, graceMs);
  }

  /** Ends the client. */
  #end(error: Error | null): void {
    if (this.#state.kind === "closed") return;
    this.#settings.signal?.removeEventListener("abort", this.#abort);
    this.#set({ kind: "closed", error });
    this.#ending.abort(error ?? new DisconnectedError("The client is closed"));
    this.#link?.connection.fail(error ?? new DisconnectedError("The client is closed"));
    this.#session.fail(error);
  }

  /** Keeps the client connected. */
  async #run(): Promise<void> {
    const { clock } = this.#settings;
    for (let link = this.#link; link !== null; link = this.#link) {
      const sinceMs = clock.now();
      await link.connection.gone;
      this.#drop(link);
      if (this.#closing !== null || this.#state.kind === "closed") return;
      this.#backoff.reset(clock.now() - sinceMs);
      await this.#reconnect(link.connection.error!);
    }
  }

  #drop(link: Link): void {
    link.stop();
    this.#link = null;
    this.#session.detach();
  }

  /** Tries until the server accepts the client, or another attempt is useless. */
  async #reconnect(lost: Error): Promise<void> {
    let error = lost;
    while (this.#state.kind !== "closed") {
      const delayMs = this.#mayRetry(error) ? this.#backoff.next() : null;
      if (delayMs === null) return this.#end(error);
      this.#set({ kind: "waiting", delayMs, error });
      await this.#sleep(delayMs);
      if (this.#ending.signal.aborted) return;
      this.#set({ kind: "connecting", attempt: this.#backoff.attempts });
      try {
        // In 3.1.1 a clean session is clean each time. In 5.0 a session continues until it expires.
        const { protocolVersion, cleanStart } = this.#settings;
        return await this.#attempt(protocolVersion === 5 ? false : cleanStart);
      } catch (failure) {
        error = asError(failure);
      }
    }
  }

  #mayRetry(error: Error): boolean {
    if (this.#settings.reconnect === false || this.#closing !== null) return false;
    return !(error instanceof ClientError && FINAL_CODES.has(error.reasonCode ?? 0));
  }

  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#settings;
    const over = new Receipt();
    const cancel = clock.schedule(clock.now() + ms, () => over.close());
    // The end of the client ends the wait. The caller checks for it.
    await over.wait(this.#ending.signal).catch(() => {});
    cancel();
  }

  /** Opens a pipe and does the handshake, once. */
  async #attempt(cleanStart: boolean): Promise<void> {
    const { clock, limits } = this.#settings;
    const { connectTimeoutMs } = limits;
    const attempt = new AbortController();
    const end = () => attempt.abort(this.#ending.signal.reason);
    this.#ending.signal.addEventListener("abort", end, { once: true });
    const cancel = clock.schedule(clock.now() + connectTimeoutMs, () => {
      const where = endpointText(this.#endpoint);
      attempt.abort(new TimeoutError(`No connection to ${where} within ${connectTimeoutMs} ms`));
    });
    try {
      await this.#connect(cleanStart, attempt.signal);
    } catch (error) {
      throw attempt.signal.aborted ? attempt.signal.reason : this.#explain(error);
    } finally {
      cancel();
      this.#ending.signal.removeEventListener("abort", end);
    }
  }

  async #connect(cleanStart: boolean, signal: AbortSignal): Promise<void> {
    const clientId = this.#server?.clientId ?? this.#settings.clientId;
    const transport = await this.#dial(signal);
    await introduce(transport, this.#settings, { clientId, cleanStart }, (connection, connack) => {
      const { limits, clock } = this.#settings;
      const server = serverInfoOf(connack, this.#settings, clientId);
      const link = new Link(connection, server, limits, clock);
      this.#server = server;
      this.#link = link;
      this.#session.attach(link);
      this.#set({ kind: "connected", sessionPresent: server.sessionPresent });
    }, signal);
  }

  /** Opens a pipe. A pipe that is opened after the attempt was abandoned is closed. */
  async #dial(signal: AbortSignal): Promise<Transport> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const dialling = this.#settings.dial(this.#endpoint, signal);
    try {
      return await Promise.race([dialling, aborted.promise]);
    } catch (error) {
      // If it never opens, or fails, there is nothing to close.
      if (signal.aborted) dialling.then((late) => late.close(), () => {});
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #explain(error: unknown): Error {
    if (error instanceof ConnectError || error instanceof TimeoutError) return error;
    const cause = asError(error);
    const reason = cause instanceof PacketError ? { reasonCode: cause.reasonCode } : {};
    const message = `Cannot connect to ${endpointText(this.#endpoint)}: ${cause.message}`;
    return new ConnectError(message, { cause, ...reason });
  }

  #set(state: ClientState): void {
    this.#state = state;
    this.states.append(state);
    this.#settings.onState(state);
  }
}
