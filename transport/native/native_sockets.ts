/** Sockets of the C library instead of those of the runtime, for all listeners of one broker. */
import { lookup } from "node:dns/promises";
import type { MayAccept } from "../accept_loop.ts";
import { parseAddress } from "../cidr.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { BindTcp, BoundSocket, Endpoint } from "../tcp.ts";
import type { Transport } from "../transport.ts";
import type { BindUnix } from "../unix.ts";
import { EventLoop } from "./event_loop.ts";
import { openLibc } from "./ffi_libc.ts";
import type { Libc } from "./libc.ts";
import { NativeListener, type NativeOptions } from "./native_listener.ts";
import type { DetachedSocket } from "./native_socket.ts";
import { NativeTransport } from "./native_transport.ts";

/** What native sockets need from the broker. */
export interface NativeHost {
  /** The clock; the system's by default. */
  readonly clock?: Clock;
  /** The C library; the system's by default. */
  readonly libc?: Libc;
  /** Called with errors of the program, and of calls that should not fail. */
  reportError(error: unknown): void;
}

/** One event loop, and the listeners and connections on it. */
export class NativeSockets {
  readonly #libc: Libc;
  readonly #loop: EventLoop;
  readonly #clock: Clock;
  readonly #host: NativeHost;

  /**
   * Opens the C library.
   *
   * @throws {NativeSocketsUnavailableError} If it cannot be used here, or the permission is missing.
   */
  constructor(host: NativeHost) {
    this.#host = host;
    this.#clock = host.clock ?? systemClock;
    const reportError = (error: unknown) => host.reportError(error);
    this.#libc = host.libc ?? openLibc();
    this.#loop = new EventLoop(this.#libc, this.#clock, reportError);
  }

  /** The IP address that the system finds for a host name. */
  async resolve(hostname: string): Promise<string> {
    if (parseAddress(hostname) !== null) return hostname;
    return (await lookup(hostname)).address;
  }

  /** The function that binds TCP sockets. A host name must be an IP address. */
  tcp(options: NativeOptions): BindTcp {
    return (endpoint, mayAccept, onAccepted) => {
      const host = this.#acceptHost(mayAccept, (transport, from) => onAccepted(transport, from!));
      const listener = NativeListener.inet(endpoint, options, host);
      return { ...listener.address!, ...closing(listener) };
    };
  }

  /** The function that binds Unix sockets. */
  unix(options: NativeOptions): BindUnix {
    return (path, mayAccept, onAccepted) => {
      const host = this.#acceptHost(mayAccept, (transport) => onAccepted(transport));
      return closing(NativeListener.unix(path, options, host));
    };
  }

  /** Takes over a socket that another thread of the process has given up. */
  adopt({ fd, unread }: DetachedSocket): Transport {
    return new NativeTransport(this.#loop, fd, unread);
  }

  /** Closes the event loop and the library. All listeners and connections must be closed before. */
  async close(): Promise<void> {
    await this.#loop.close();
    this.#libc.unload();
  }

  #acceptHost(
    mayAccept: MayAccept,
    onAccepted: (transport: Transport, from: Endpoint | null) => void,
  ) {
    const reportError = (error: unknown) => this.#host.reportError(error);
    return { loop: this.#loop, clock: this.#clock, mayAccept, onAccepted, reportError };
  }
}

function closing(listener: NativeListener): Pick<BoundSocket, "close"> {
  return {
    close: () => {
      listener.close();
      return Promise.resolve();
    },
  };
}
