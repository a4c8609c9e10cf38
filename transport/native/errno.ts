/** The numbers of errors of Linux, by name. They are the same on x86-64 and arm64. */

/** Errors that calls on sockets, epoll and eventfd can have. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPIPE: 32,
  ELOOP: 40,
  ENONET: 64,
  EPROTO: 71,
  ENOTSOCK: 88,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Errno).map(([name, number]) => [number, name]),
);

/** The name of an error, such as `ECONNRESET`. */
function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** A call that has failed. */
export class SystemCallError extends Error {
  /** The name of the error, such as `ECONNRESET`. */
  readonly code: string;

  /**
   * @param call The name of the call, such as `recv`.
   * @param errno The number of the error.
   */
  constructor(call: string, readonly errno: number) {
    const code = errnoName(errno);
    super(`Cannot ${call}: ${code}`);
    this.name = "SystemCallError";
    this.code = code;
  }
}

/** Whether the same call may succeed later, because the kernel has no bytes, room or memory now. */
export function isTransient(errno: number): boolean {
  return errno === Errno.EAGAIN || errno === Errno.EINTR || errno === Errno.ENOBUFS ||
    errno === Errno.ENOMEM;
}

/**
 * The runtime's error for a failed call to bind or listen, so that it gets the same explanation.
 */
export function bindError(call: string, errno: number, where: string): Error {
  const cause = new SystemCallError(call, errno);
  const text = `${cause.message} (${where})`;
  const { errors } = Deno;
  const Kind = BIND_ERRORS[errno]?.(errors) ?? Error;
  return new Kind(text, { cause });
}

type Errors = typeof Deno.errors;

const BIND_ERRORS: Readonly<Record<number, (errors: Errors) => new (...args: ErrorArgs) => Error>> =
  {
    [Errno.EADDRINUSE]: (errors) => errors.AddrInUse,
    [Errno.EADDRNOTAVAIL]: (errors) => errors.AddrNotAvailable,
    [Errno.EACCES]: (errors) => errors.PermissionDenied,
    [Errno.EPERM]: (errors) => errors.PermissionDenied,
    [Errno.ENOENT]: (errors) => errors.NotFound,
  };

type ErrorArgs = [message?: string, options?: ErrorOptions];
