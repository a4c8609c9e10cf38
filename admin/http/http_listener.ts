/**
 * Accepts a limited number of TCP and TLS connections of HTTP clients, and passes their bytes to
 * the HTTP server behind it.
 *
 * The HTTP server of the runtime has no limit on its connections, and no timeout for silent or slow
 * clients. It does not ask for client certificates, and ends when file descriptors run out. So it
 * listens on the loopback interface only, and accepts connections only from here.
 *
 * @module
 */
import type { Clock } from "../../broker/base/clock.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Opening } from "../../transport/opening.ts";
import { TcpListener } from "../../transport/tcp.ts";
import { TlsListener } from "../../transport/tls.ts";
import type { TlsServerOptions } from "../../transport/tls_options.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { peekGet } from "./peek_get.ts";

/** The maximum number of connections. Past it, the one that was idle for longest is closed. */
export const CONNECTIONS_MAX = 128;
/**
 * How long a connection may be without an answer, because its request is late or incomplete, in
 * milliseconds.
 */
export const IDLE_MS_MAX = 30_000;
/** How long a client may not read its answer, in milliseconds. */
export const STALL_MS_MAX = 10_000;
/** The interval between two checks of the connections, in milliseconds. */
const LOOK_MS = 1000;
/** The size of the buffer of each direction, in bytes. */
const BUFFER_BYTES = 16 * 1024;

/** The address of the listener, and its TLS settings. */
export interface HttpListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: TlsServerOptions | undefined;
  /** What takes connections for WebSockets; none by default. */
  readonly door?: Door;
}

/** What takes connections whose first request is for its path. */
export interface Door {
  readonly path: string;
  /** Takes over a connection. Rejects if it is no good; then it is closed. */
  enter(pipe: Transport, peer: PeerInfo): Promise<void>;
}

/** The HTTP server to which the bytes go. */
export interface Backend {
  /** Opens a connection to it for a client. */
  connect(peer: PeerInfo): Promise<Transport>;
}

/** Accepts the connections of HTTP clients. */
export class HttpListener {
  /** The number of connections that were closed for others, and for being slow. */
  evicted = 0;
  timedOut = 0;
  readonly #clock: Clock;
  readonly #backend: Backend;
  readonly #door: Door | null;
  readonly #listener: TcpListener | TlsListener;
  readonly #connections = new Set<ProxiedConnection>();
  #cancelLook: (() => void) | null = null;
  #room: Receipt | null = null;
  #isClosed = false;

  /** @throws If the address cannot be bound, or an option of TLS cannot be used. */
  constructor(options: HttpListenerOptions, backend: Backend, clock: Clock) {
    this.#clock = clock;
    this.#backend = backend;
    const { hostname, port, tls, door = null } = options;
    this.#door = door;
    const mayAccept = () => this.#mayAccept();
    this.#listener = tls === undefined
      ? new TcpListener({ hostname, port }, mayAccept, (pipe, peer) => this.#enter(pipe, peer))
      : new TlsListener(
        tls,
        { hostname, port, alpnProtocols: ["http/1.1"] },
        mayAccept,
        (pipe, peer, handshake) => this.#enter(pipe, peer, handshake),
      );
  }

  /** The address that was bound. */
  get hostname(): string {
    return this.#listener.hostname;
  }

  /** The port that was bound. */
  get port(): number {
    return this.#listener.port;
  }

  /** The current number of connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Replaces the certificates, from the next handshake on. */
  reload(tls: TlsServerOptions): void {
    if (this.#listener instanceof TlsListener) this.#listener.reload(tls);
  }

  /** Stops listening, and closes every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook?.();
    this.#room?.close();
    await this.#listener.close();
    const all = [...this.#connections];
    for (const connection of all) connection.close();
    await Promise.all(all.map((connection) => connection.gone.wait()));
  }

  /** Waits while there are too many connections, and all of them are busy. */
  #mayAccept(): PromiseLike<void> | null {
    if (this.#isClosed || this.#connections.size < CONNECTIONS_MAX) return null;
    let longest: ProxiedConnection | null = null;
    for (const connection of this.#connections) {
      if (longest === null || connection.movedMs < longest.movedMs) longest = connection;
    }
    if (this.#clock.now() - longest!.movedMs >= LOOK_MS) {
      this.evicted++;
      longest!.close();
      return null;
    }
    return this.#room ??= new Receipt();
  }

  async #enter(pipe: Transport, peer: PeerInfo, handshake?: Opening): Promise<void> {
    const connection = new ProxiedConnection(pipe, this.#clock);
    this.#connections.add(connection);
    this.#look();
    try {
      await connection.run(peer, this.#backend, this.#door, handshake);
    } catch {
      // The client is gone, or its handshake has failed. Nobody can be told.
    } finally {
      connection.close();
      this.#connections.delete(connection);
      connection.gone.close();
      this.#room?.close();
      this.#room = null;
    }
  }

  /** Checks the connections as long as there are any. */
  #look(): void {
    if (this.#cancelLook !== null || this.#isClosed) return;
    this.#cancelLook = this.#clock.schedule(this.#clock.now() + LOOK_MS, () => {
      this.#cancelLook = null;
      for (const connection of this.#connections) {
        if (!connection.isLate(this.#clock.now())) continue;
        this.timedOut++;
        connection.close();
      }
      this.#room?.close();
      this.#room = null;
      if (this.#connections.size > 0) this.#look();
    });
  }
}

/** The bytes of one client, both ways. */
class ProxiedConnection {
  /** Closes when both ends are closed. */
  readonly gone: Receipt = new Receipt();
  /** When bytes were last sent to the client, or received from it. */
  movedMs: number;
  readonly #clock: Clock;
  #client: Transport;
  #server: Transport | null = null;
  /** When the write in progress to the client began; `null` for none. */
  #writingMs: number | null = null;
  #isClosed = false;

  constructor(client: Transport, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.movedMs = clock.now();
  }

  /** Whether the client does not read, or has sent no whole request in time. */
  isLate(nowMs: number): boolean {
    if (this.#isClosed) return false;
    if (this.#writingMs !== null) return nowMs - this.#writingMs > STALL_MS_MAX;
    return nowMs - this.movedMs > IDLE_MS_MAX;
  }

  async run(
    peer: PeerInfo,
    backend: Backend,
    door: Door | null,
    handshake?: Opening,
  ): Promise<void> {
    if (handshake !== undefined) {
      const opened = await handshake(this.#client, peer);
      this.#client = opened.transport;
      peer = opened.peer;
      if (this.#isClosed) return opened.transport.close();
    }
    if (door !== null && await this.#isTaken(door, peer)) return;
    const server = this.#server = await backend.connect(peer);
    if (this.#isClosed) return server.close();
    const up = this.#pass(this.#client, server).catch(() => this.close());
    try {
      await this.#pass(server, this.#client);
    } finally {
      this.close();
      await up;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
    this.#server?.close();
  }

  /** Whether the door has taken over the pipe to the client; then it is not closed here any more. */
  async #isTaken(door: Door, peer: PeerInfo): Promise<boolean> {
    const { isGet, transport } = await peekGet(this.#client, door.path);
    this.#client = transport;
    if (!isGet) return false;
    await door.enter(transport, peer);
    this.#isClosed = true;
    return true;
  }

  async #pass(from: Transport, to: Transport): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    const isDown = to === this.#client;
    for (;;) {
      const bytes = await from.read(buffer);
      if (bytes === null) return await to.closeWrite?.();
      for (let at = 0; at < bytes;) {
        if (isDown) this.#writingMs = this.#clock.now();
        at += await to.write(buffer.subarray(at, bytes));
        if (!isDown) continue;
        this.#writingMs = null;
        this.movedMs = this.#clock.now();
      }
    }
  }
}
