/** A native socket as a transport. */
import { PushedTransport } from "../pushed_transport.ts";
import type { EventLoop } from "./event_loop.ts";
import { type DetachedSocket, NativeSocket } from "./native_socket.ts";

/** A native socket as a transport. */
export class NativeTransport extends PushedTransport<NativeSocket> {
  /**
   * @param fd The descriptor, which must not block.
   * @param unread The bytes that were received before; none by default.
   */
  constructor(loop: EventLoop, fd: number, unread?: Uint8Array<ArrayBuffer>) {
    super((receiver) => new NativeSocket(loop, fd, receiver, unread));
  }

  /**
   * Gives the socket up, so that another thread can adopt it. The transport must not be used any more.
   *
   * @param received Bytes that were read here and that the other thread handles; none by default.
   * @throws {Error} If it is closed, or a read or a write is pending.
   */
  detach(received: Uint8Array = new Uint8Array(0)): DetachedSocket {
    if (this.isPending) throw new Error("Cannot detach a socket while a read or a write waits");
    if (received.length > 0) this.pushed.unread(received);
    this.setClosed();
    return this.pushed.detach();
  }

  unread(bytes: Uint8Array<ArrayBuffer>): void {
    this.pushed.unread(bytes);
  }

  protected override closedError(): Error {
    return new Error("The socket is closed");
  }
}
