/** The C library of the system, called by FFI: Linux on x86-64 and arm64, glibc and musl. */
import { type EventLayout, type Libc, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_NONBLOCK } from "./libc.ts";
import { NativeSocketsUnavailableError } from "./unavailable.ts";

/** The name of glibc. It also works with musl, which takes any `libc.so` for itself. */
const LIBRARY = "libc.so.6";

/** `struct epoll_event` is packed on x86-64 only. */
const LAYOUTS: Readonly<Record<string, EventLayout>> = {
  x86_64: { size: 12, dataOffset: 4 },
  aarch64: { size: 16, dataOffset: 8 },
};

const POLLIN = 0x001;

/** The bytes that are written to an eventfd. */
const EVENTFD_ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/**
 * The functions. A `size_t` is passed as 32 bits, and a `ssize_t` is read as 32 bits, because a
 * number of 64 bits takes the runtime twice as long. That is correct: no buffer has 2 GB, and both
 * architectures clear the upper half of a register when they write the lower half.
 */
const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  malloc: { parameters: ["usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epoll_wait_later: {
    name: "epoll_wait",
    parameters: ["i32", "pointer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  ppoll: { parameters: ["buffer", "u32", "buffer", "pointer"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Opens the C library.
 *
 * @throws {NativeSocketsUnavailableError} If the system is another one, or the permission is
 * missing.
 */
export function openLibc(): Libc {
  const { os, arch } = Deno.build;
  const eventLayout = LAYOUTS[arch];
  if (os !== "linux" || eventLayout === undefined) {
    throw new NativeSocketsUnavailableError(
      `Native sockets are for Linux on x86-64 or arm64, and this is ${os} on ${arch}: ` +
        "start without them",
    );
  }
  try {
    return new FfiLibc(Deno.dlopen(LIBRARY, SYMBOLS), eventLayout);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotCapable
      ? "they need the permission --allow-ffi"
      : `${LIBRARY} cannot be used: ${cause instanceof Error ? cause.message : cause}`;
    throw new NativeSocketsUnavailableError(`Native sockets cannot be used: ${why}`, { cause });
  }
}

/**
 * Checks whether native sockets can be used. A server does this before anything else.
 *
 * @throws {NativeSocketsUnavailableError} If they cannot.
 */
export function checkNativeSockets(): void {
  openLibc().unload();
}

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

class FfiLibc implements Libc {
  readonly eventLayout: EventLayout;
  readonly #library: Library;
  readonly #calls: Library["symbols"];
  /** The error number of this thread. It must be read right after the failed call. */
  readonly #errno: Int32Array;
  readonly #option = new Int32Array(1);
  readonly #optionBytes = new Uint8Array(this.#option.buffer);
  /** A `struct pollfd` that asks for POLLIN, and a `struct timespec`. */
  readonly #pollFd = new Int32Array([-1, POLLIN]);
  readonly #pollFdBytes = new Uint8Array(this.#pollFd.buffer);
  readonly #timeout = new BigInt64Array(2);
  readonly #timeoutBytes = new Uint8Array(this.#timeout.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  /**
   * The memory to which a waiting thread writes its event. It belongs to the C library, because a
   * worker may be terminated while its thread waits, and then the memory of the worker is freed.
   */
  readonly #later: Deno.PointerValue;

  constructor(library: Library, eventLayout: EventLayout) {
    const calls = library.symbols;
    this.#library = library;
    this.#calls = calls;
    this.eventLayout = eventLayout;
    const errno = calls.__errno_location()!;
    this.#errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(errno, 4));
    this.#later = calls.malloc(BigInt(eventLayout.size));
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.#result(this.#calls.socket(domain, type, protocol));
  }

  setsockopt(fd: number, level: number, name: number, value: number): number {
    this.#option[0] = value;
    return this.#result(this.#calls.setsockopt(fd, level, name, this.#optionBytes, 4));
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#result(this.#calls.bind(fd, address as Uint8Array<ArrayBuffer>, address.length));
  }

  listen(fd: number, backlog: number): number {
    return this.#result(this.#calls.listen(fd, backlog));
  }

  accept4(fd: number, address: Uint8Array): number {
    this.#length[0] = address.length;
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const buffer = address as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.accept4(fd, buffer, this.#lengthBytes, flags));
  }

  getsockname(fd: number, address: Uint8Array): number {
    this.#length[0] = address.length;
    const buffer = address as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.getsockname(fd, buffer, this.#lengthBytes));
  }

  recv(fd: number, target: Uint8Array): number {
    const buffer = target as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.recv(fd, buffer, target.length, 0));
  }

  send(fd: number, source: Uint8Array): number {
    const buffer = source as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.send(fd, buffer, source.length, MSG_NOSIGNAL));
  }

  shutdown(fd: number, how: number): number {
    return this.#result(this.#calls.shutdown(fd, how));
  }

  close(fd: number): number {
    return this.#result(this.#calls.close(fd));
  }

  epollCreate(): number {
    return this.#result(this.#calls.epoll_create1(SOCK_CLOEXEC));
  }

  epollCtl(epoll: number, operation: number, fd: number, event: Uint8Array): number {
    const buffer = event as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.epoll_ctl(epoll, operation, fd, buffer));
  }

  epollWait(epoll: number, events: Uint8Array, eventsMax: number): number {
    const buffer = events as Uint8Array<ArrayBuffer>;
    return this.#result(this.#calls.epoll_wait(epoll, buffer, eventsMax, 0));
  }

  epollReady(epoll: number, timeoutNs: number): number {
    this.#pollFd[0] = epoll;
    this.#timeout[1] = BigInt(timeoutNs);
    return this.#result(this.#calls.ppoll(this.#pollFdBytes, 1, this.#timeoutBytes, null));
  }

  async epollWaitLater(epoll: number, timeoutMs: number): Promise<void> {
    await this.#calls.epoll_wait_later(epoll, this.#later, 1, timeoutMs);
  }

  eventfd(): number {
    return this.#result(this.#calls.eventfd(0, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }

  eventfdWrite(fd: number): number {
    return this.#result(this.#calls.write(fd, EVENTFD_ONE, 8));
  }

  unload(): void {
    this.#calls.free(this.#later);
    this.#library.close();
  }

  #result(result: number): number {
    return result >= 0 ? result : -this.#errno[0]!;
  }
}
