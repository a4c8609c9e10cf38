/** A native socket as a pipe that pushes. */
import type { Pipe, PipeReceiver } from "../pipe.ts";
import { isTransient, SystemCallError } from "./errno.ts";
import type { EventLoop, Watched } from "./event_loop.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SHUT_WR } from "./libc.ts";

/** How many bytes one socket may write in a round, so that the other sockets get their turn. */
const WRITE_BYTES_PER_ROUND = 256 * 1024;

/**
 * A socket that no thread watches. All threads of a process share its descriptors, so another thread
 * can adopt the socket. Exactly one thread must adopt it: otherwise it stays open until the process
 * ends.
 */
export interface DetachedSocket {
  /** The descriptor. */
  readonly fd: number;
  /** The bytes that were received and not handled yet. The buffer belongs to the taker. */
  readonly unread: Uint8Array<ArrayBuffer>;
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The receiver of a detached socket. */
const NOBODY: PipeReceiver = {
  target: (shared) => shared ?? NO_BYTES,
  onReceived: () => {},
  onEnded: () => {},
  onWritten: () => {},
  onWriteFailed: () => {},
};

/**
 * A connection whose socket is read and written by calls of the C library. An idle socket owns no
 * buffer.
 */
export class NativeSocket implements Pipe, Watched {
  readonly #loop: EventLoop;
  /** The descriptor; -1 when it is closed. */
  #fd: number;
  #receiver: PipeReceiver;
  /** The rest of the last write; `null` for none. */
  #rest: Uint8Array | null = null;
  /** The bytes that another thread has received. They are pushed first. */
  #unread: Uint8Array<ArrayBuffer>;
  /** The EPOLL… flags of the wanted events; -1 while the socket is not watched. */
  #flags = -1;
  #isPaused = false;
  /** Whether the end was reported. */
  #isEnded = false;
  /** The round in which it has written last. */
  #round = 0;
  /** The bytes that it has written in this round. */
  #roundBytes = 0;

  /**
   * @param fd The descriptor, which must not block. The socket closes it.
   * @param unread The bytes that were received before; none by default.
   */
  constructor(loop: EventLoop, fd: number, receiver: PipeReceiver, unread = NO_BYTES) {
    this.#loop = loop;
    this.#fd = fd;
    this.#receiver = receiver;
    this.#unread = unread;
  }

  /** Replaces the receiver. No write may be in progress. */
  handOver(receiver: PipeReceiver): void {
    this.#receiver = receiver;
  }

  /** Takes bytes back that were received. They are pushed first, after the next `resume`. */
  unread(bytes: Uint8Array): void {
    const both = new Uint8Array(bytes.length + this.#unread.length);
    both.set(bytes);
    both.set(this.#unread, bytes.length);
    this.#unread = both;
  }

  /**
   * Gives its descriptor up and leaves it open. The receiver is not called any more.
   *
   * @throws {Error} If it is closed, or a write is in progress.
   */
  detach(): DetachedSocket {
    const fd = this.#fd;
    if (fd < 0 || this.#rest !== null) {
      throw new Error("Cannot detach a socket that is closed, or being written to");
    }
    if (this.#flags >= 0) this.#unwatch();
    this.#fd = -1;
    this.#receiver = NOBODY;
    return { fd, unread: this.#unread };
  }

  start(): void {
    this.resume();
  }

  pause(): void {
    // Most pauses are short, so the events stay the same. The first event during the pause turns
    // EPOLLIN off.
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#fd < 0) this.#endLater(null);
    else if (this.#unread.length > 0) queueMicrotask(() => this.#readUnread());
    else if (this.#flags < 0) this.#watch(this.#rest === null ? EPOLLIN : EPOLLIN | EPOLLOUT);
    else this.#watch(this.#flags | EPOLLIN);
  }

  write(source: Uint8Array): number {
    if (this.#fd < 0) throw new Error("Cannot write to a closed socket");
    const taken = this.#send(source);
    if (taken === source.length) return taken;
    this.#rest = taken === 0 ? source : source.subarray(taken);
    this.#watch(Math.max(0, this.#flags) | EPOLLOUT);
    return taken;
  }

  closeWrite(): void {
    // An error means that the connection is gone. The next read reports that.
    if (this.#fd >= 0) this.#loop.libc.shutdown(this.#fd, SHUT_WR);
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#flags = -1;
    this.#rest = null;
    this.#loop.forget(fd);
    // The descriptor is free whatever the result is, also after EINTR and EIO.
    this.#loop.libc.close(fd);
    if (!this.#isPaused) this.#endLater(null);
  }

  onReady(flags: number): void {
    const isBroken = (flags & (EPOLLERR | EPOLLHUP)) !== 0;
    if (this.#rest !== null && (isBroken || (flags & EPOLLOUT) !== 0)) this.#writeRest();
    if (this.#fd < 0 || (!isBroken && (flags & EPOLLIN) === 0)) return;
    // The bytes from another thread come first. They are pushed before the next round.
    const mayRead = !this.#isPaused && !this.#isEnded && this.#unread.length === 0;
    if (mayRead) this.#read();
    else if (!isBroken) this.#watch(this.#flags & ~EPOLLIN);
    // With a rest, the write in the next round reports the error.
    else if (this.#rest === null) this.#unwatch();
  }

  #readUnread(): void {
    const unread = this.#unread;
    if (unread.length === 0 || this.#isPaused || this.#fd < 0) return;
    const target = this.#receiver.target(this.#loop.buffer);
    const bytes = Math.min(target.length, unread.length);
    target.set(unread.subarray(0, bytes));
    this.#unread = unread.subarray(bytes);
    this.#receiver.onReceived(bytes);
    if (!this.#isPaused && this.#fd >= 0) this.resume();
  }

  #read(): void {
    const receiver = this.#receiver;
    const target = receiver.target(this.#loop.buffer);
    const bytes = this.#loop.libc.recv(this.#fd, target);
    if (bytes > 0) return receiver.onReceived(bytes);
    if (bytes < 0 && isTransient(-bytes)) return receiver.onReceived(0);
    this.#isEnded = true;
    receiver.onEnded(bytes === 0 ? null : new SystemCallError("recv", -bytes));
  }

  #writeRest(): void {
    const rest = this.#rest!;
    try {
      const taken = this.#send(rest);
      if (taken === 0) return;
      this.#rest = taken === rest.length ? null : rest.subarray(taken);
      // The receiver may write more, and may close the socket.
      this.#receiver.onWritten(taken);
    } catch (error) {
      this.#rest = null;
      this.#receiver.onWriteFailed(error);
    }
    if (this.#rest === null && this.#flags >= 0) this.#watch(this.#flags & ~EPOLLOUT);
  }

  /**
   * Sends as much as the kernel takes, unless the socket has written enough in this round.
   *
   * @throws {SystemCallError} If the connection has broken.
   */
  #send(source: Uint8Array): number {
    const { libc, round } = this.#loop;
    if (this.#round !== round) {
      this.#round = round;
      this.#roundBytes = 0;
    } else if (this.#roundBytes >= WRITE_BYTES_PER_ROUND) return 0;
    const taken = libc.send(this.#fd, source);
    if (taken >= 0) this.#roundBytes += taken;
    else if (!isTransient(-taken)) throw new SystemCallError("send", -taken);
    return Math.max(0, taken);
  }

  #watch(flags: number): void {
    if (flags === this.#flags) return;
    const isNew = this.#flags < 0;
    const result = isNew
      ? this.#loop.add(this.#fd, flags, this)
      : this.#loop.change(this.#fd, flags);
    if (result >= 0) {
      this.#flags = flags;
      return;
    }
    // The kernel has no memory to watch it, so there would be no more events.
    this.#isEnded = true;
    this.#endLater(new SystemCallError("epoll_ctl", -result));
  }

  /**
   * Stops watching a broken socket, because epoll reports errors again and again, whatever the
   * flags are.
   */
  #unwatch(): void {
    this.#loop.remove(this.#fd);
    this.#flags = -1;
  }

  #endLater(error: unknown): void {
    queueMicrotask(() => this.#receiver.onEnded(error));
  }
}
