/** What the native sockets call of the C library, and its constants on Linux. */

/** The layout of `struct epoll_event`, in bytes. */
export interface EventLayout {
  /** The size of an event. */
  readonly size: number;
  /** Where its 64 bits of data begin; its flags are the first 32 bits. */
  readonly dataOffset: number;
}

/**
 * The calls. Each returns what the function of that name does, or the negative number of the error,
 * such as -11 for EAGAIN.
 *
 * All calls but `epollWaitLater` are synchronous: while the kernel reads or fills a buffer, no
 * JavaScript runs, so the buffer is neither moved nor freed nor changed meanwhile.
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
  /** Does not wait: fills in the events that are there. */
  epollWait(epoll: number, events: Uint8Array, eventsMax: number): number;
  /**
   * Waits until there is an event, in this thread, but not longer than so many nanoseconds.
   *
   * @returns Whether there is one: 1 or 0.
   */
  epollReady(epoll: number, timeoutNs: number): number;
  /**
   * Waits in another thread until there is an event, and does not say which. It reports no error:
   * the next `epollWait` does.
   */
  epollWaitLater(epoll: number, timeoutMs: number): Promise<void>;
  /** A descriptor that becomes readable by `eventfdWrite`. */
  eventfd(): number;
  eventfdWrite(fd: number): number;
  /** Nothing is called any more, and no wait is pending. */
  unload(): void;
}

/** Address families. */
export const Family = { unix: 1, inet: 2, inet6: 10 } as const;

/** Types of sockets. All are made not to block, and not to be inherited by child processes. */
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
