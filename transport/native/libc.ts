/** The functions of the C library that the native sockets call, and its constants on Linux. */

/** The layout of `struct epoll_event`, in bytes. */
export interface EventLayout {
  /** The size of an event. */
  readonly size: number;
  /** The offset of its 64 bits of data. Its flags are the first 32 bits. */
  readonly dataOffset: number;
}

/**
 * The calls. Each returns what the function of that name does, or the negative number of the error,
 * such as -11 for EAGAIN.
 *
 * All calls but `epollWaitLater` are synchronous. While the kernel reads or fills a buffer, no
 * JavaScript runs, so the buffer is not moved, freed or changed.
 */
export interface Libc {
  readonly eventLayout: EventLayout;
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: number): number;
  bind(fd: number, address: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** Writes the address of the peer into `address`. The new socket does not block. */
  accept4(fd: number, address: Uint8Array): number;
  getsockname(fd: number, address: Uint8Array): number;
  recv(fd: number, target: Uint8Array): number;
  /** Never raises SIGPIPE. */
  send(fd: number, source: Uint8Array): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  epollCreate(): number;
  epollCtl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  /** Fills in the pending events, without waiting. */
  epollWait(epoll: number, events: Uint8Array, eventsMax: number): number;
  /**
   * Waits in this thread until there is an event, for `timeoutNs` nanoseconds at most.
   *
   * @returns Whether there is one: 1 or 0.
   */
  epollReady(epoll: number, timeoutNs: number): number;
  /**
   * Waits in another thread until there is an event. It does not say which, and reports no error.
   * The next `epollWait` does both.
   */
  epollWaitLater(epoll: number, timeoutMs: number): Promise<void>;
  /** A descriptor that becomes readable by `eventfdWrite`. */
  eventfd(): number;
  eventfdWrite(fd: number): number;
  /** Unloads the library. No function may be called after that, and no wait may be pending. */
  unload(): void;
}

/** Address families. */
export const Family = { unix: 1, inet: 2, inet6: 10 } as const;

/** Types of sockets. All sockets are non-blocking, and child processes do not inherit them. */
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** Levels and names of socket options. */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_USER_TIMEOUT = 18;

export const MSG_NOSIGNAL = 0x4000;
export const SHUT_WR = 1;

/** Flags of epoll events. EPOLLERR and EPOLLHUP are reported whether they are asked for or not. */
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLET = 0x8000_0000;

/** Operations of epoll_ctl. */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
