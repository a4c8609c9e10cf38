/** Accepts connections of native sockets. */
import type { MayAccept } from "../accept_loop.ts";
import type { Clock } from "../clock.ts";
import type { Endpoint } from "../tcp.ts";
import type { Transport } from "../transport.ts";
import { bindError, Errno, SystemCallError } from "./errno.ts";
import type { EventLoop, Watched } from "./event_loop.ts";
import {
  EPOLLIN,
  IPPROTO_TCP,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "./libc.ts";
import { NativeTransport } from "./native_transport.ts";
import { ADDRESS_BYTES_MAX, inetAddress, readInetAddress, unixAddress } from "./socket_address.ts";

/** The maximum number of connections that are accepted in a round, before others are read. */
const ACCEPTS_PER_ROUND = 64;
/** How long to wait after a failed accept, in milliseconds. The wait doubles up to the maximum. */
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 1000;

/** Options of native sockets. */
export interface NativeOptions {
  /**
   * How many connections may wait to be accepted; 4,096 by default. The kernel has a limit of its
   * own, `net.core.somaxconn`.
   */
  backlog?: number;
  /** Whether other listeners, of workers or processes, may have the same port; false by default. */
  reusePort?: boolean;
  /**
   * How long sent bytes may stay unacknowledged by the peer's kernel before the connection is
   * closed, in milliseconds (TCP_USER_TIMEOUT); 0, the default, for as long as the kernel tries.
   */
  userTimeoutMs?: number;
}

const BACKLOG = 4096;

/** What a listener needs. */
export interface AcceptHost {
  readonly loop: EventLoop;
  readonly clock: Clock;
  /** Called before each accept. Nothing is accepted until its promise resolves. */
  readonly mayAccept: MayAccept;
  /** Receives each connection; the address is `null` for a Unix socket. */
  onAccepted(transport: Transport, address: Endpoint | null): void;
  /** Called with errors that are not those of a connection. */
  reportError(error: unknown): void;
}

/** Accepts connections, several at once, until it is closed. */
export class NativeListener implements Watched {
  /** The address that was bound; `null` for a Unix socket. */
  readonly address: Endpoint | null;
  readonly #host: AcceptHost;
  readonly #fd: number;
  readonly #peer: Uint8Array<ArrayBuffer> = new Uint8Array(ADDRESS_BYTES_MAX);
  #retryMs = RETRY_MS_MIN;
  #cancelRetry: (() => void) | null = null;
  #isClosed = false;

  private constructor(host: AcceptHost, fd: number, address: Endpoint | null) {
    this.#host = host;
    this.#fd = fd;
    this.address = address;
  }

  /**
   * Listens on an IP address and a port, 0 for any.
   *
   * @throws {TypeError} If it is not an IP address.
   * @throws {Deno.errors.AddrInUse} Or a similar error, if it cannot be bound.
   */
  static inet(
    { hostname, port }: Endpoint,
    options: NativeOptions,
    host: AcceptHost,
  ): NativeListener {
    const address = inetAddress(hostname, port);
    const { libc } = host.loop;
    const where = `${hostname}, port ${port}`;
    return listen(host, address, options, where, (fd) => {
      libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (options.reusePort) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
      // Accepted sockets inherit both options. The broker gathers bytes itself, so the kernel must
      // not wait for more.
      libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      libc.setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.userTimeoutMs ?? 0);
    }, (fd) => {
      const bound = new Uint8Array(ADDRESS_BYTES_MAX);
      libc.getsockname(fd, bound);
      return new NativeListener(host, fd, readInetAddress(bound));
    });
  }

  /** Listens on the path of a Unix socket, which must not exist. It throws like `inet`. */
  static unix(path: string, options: NativeOptions, host: AcceptHost): NativeListener {
    const address = unixAddress(path);
    const made = (fd: number) => new NativeListener(host, fd, null);
    return listen(host, address, options, path, () => {}, made);
  }

  /** Stops listening. Open connections stay. Closing again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#host.loop.forget(this.#fd);
    this.#host.loop.libc.close(this.#fd);
  }

  onReady(): void {
    const { loop, mayAccept } = this.#host;
    for (let i = 0; i < ACCEPTS_PER_ROUND && !this.#isClosed; i++) {
      const wait = mayAccept();
      if (wait !== null) return this.#hold(wait);
      const fd = loop.libc.accept4(this.#fd, this.#peer);
      if (fd >= 0) this.#onAccepted(fd);
      else if (!this.#goesOn(-fd)) return;
    }
  }

  #onAccepted(fd: number): void {
    this.#retryMs = RETRY_MS_MIN;
    const { loop } = this.#host;
    const address = this.address === null ? null : readInetAddress(this.#peer);
    this.#host.onAccepted(new NativeTransport(loop, fd), address);
  }

  /** Accepts nothing until there is room. */
  #hold(wait: PromiseLike<void>): void {
    this.#host.loop.change(this.#fd, 0);
    wait.then(() => this.#release());
  }

  #release(): void {
    if (!this.#isClosed) this.#host.loop.change(this.#fd, EPOLLIN);
  }

  /** Whether to accept the next connection after an error. */
  #goesOn(errno: number): boolean {
    switch (errno) {
      case Errno.EAGAIN:
        return false;
      case Errno.EINTR:
      // The peer or the network has failed before the accept. The next one may succeed.
      case Errno.ECONNABORTED:
      case Errno.EPROTO:
      case Errno.EPERM:
      case Errno.ENETDOWN:
      case Errno.ENETUNREACH:
      case Errno.EHOSTDOWN:
      case Errno.EHOSTUNREACH:
      case Errno.ENONET:
      case Errno.ENOPROTOOPT:
      case Errno.EOPNOTSUPP:
      case Errno.ETIMEDOUT:
        return true;
      // There is no free descriptor or memory. Waiting connections are accepted later.
      case Errno.EMFILE:
      case Errno.ENFILE:
      case Errno.ENOBUFS:
      case Errno.ENOMEM:
        break;
      default:
        this.#host.reportError(new SystemCallError("accept4", errno));
    }
    const { clock, loop } = this.#host;
    loop.change(this.#fd, 0);
    this.#cancelRetry = clock.schedule(clock.now() + this.#retryMs, () => this.#release());
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    return false;
  }
}

function listen(
  host: AcceptHost,
  address: Uint8Array<ArrayBuffer>,
  { backlog = BACKLOG }: NativeOptions,
  where: string,
  prepare: (fd: number) => void,
  made: (fd: number) => NativeListener,
): NativeListener {
  const { libc } = host.loop;
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = libc.socket(address[0]!, type, 0);
  if (fd < 0) throw bindError("socket", -fd, where);
  try {
    prepare(fd);
    succeed("bind", libc.bind(fd, address), where);
    succeed("listen", libc.listen(fd, backlog), where);
    const listener = made(fd);
    succeed("epoll_ctl", host.loop.add(fd, EPOLLIN, listener), where);
    return listener;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function succeed(call: string, result: number, where: string): void {
  if (result < 0) throw bindError(call, -result, where);
}
