/** Which node has which native descriptor, so that those of a node that has died can be closed. */
import type { EventLayout, Libc } from "../../transport/native/libc.ts";

/** Descriptors from this one on are not recorded. No system allows more by default. */
const DESCRIPTORS_MAX = 1_048_576;

/**
 * A table in shared memory with the owner of each descriptor. A thread that dies leaves its native
 * descriptors open, and its clients would wait for ever.
 */
export class DescriptorOwners {
  /** The number of the owner of each descriptor and 1; 0 for none. */
  readonly buffer: SharedArrayBuffer;
  readonly #owners: Uint8Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(DESCRIPTORS_MAX)) {
    this.buffer = buffer;
    this.#owners = new Uint8Array(buffer);
  }

  /** From now on a descriptor belongs to a node; `null` for nobody. */
  set(fd: number, node: number | null): void {
    if (fd >= 0 && fd < this.#owners.length) this.#owners[fd] = node === null ? 0 : node + 1;
  }

  /** Takes all descriptors from a node, and returns them. */
  takeAll(node: number): number[] {
    const all: number[] = [];
    for (let fd = this.#owners.indexOf(node + 1); fd >= 0;) {
      this.#owners[fd] = 0;
      all.push(fd);
      fd = this.#owners.indexOf(node + 1, fd + 1);
    }
    return all;
  }
}

/** Records which descriptors a node opens and closes. */
export class RecordingLibc implements Libc {
  readonly eventLayout: EventLayout;
  readonly #libc: Libc;
  readonly #owners: DescriptorOwners;
  readonly #node: number;

  constructor(libc: Libc, owners: DescriptorOwners, node: number) {
    this.eventLayout = libc.eventLayout;
    this.#libc = libc;
    this.#owners = owners;
    this.#node = node;
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.#opened(this.#libc.socket(domain, type, protocol));
  }

  accept4(fd: number, address: Uint8Array): number {
    return this.#opened(this.#libc.accept4(fd, address));
  }

  epollCreate(): number {
    return this.#opened(this.#libc.epollCreate());
  }

  eventfd(): number {
    return this.#opened(this.#libc.eventfd());
  }

  close(fd: number): number {
    // Before the call: after it, another thread may get the same number.
    this.#owners.set(fd, null);
    return this.#libc.close(fd);
  }

  setsockopt(fd: number, level: number, name: number, value: number): number {
    return this.#libc.setsockopt(fd, level, name, value);
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#libc.bind(fd, address);
  }

  listen(fd: number, backlog: number): number {
    return this.#libc.listen(fd, backlog);
  }

  getsockname(fd: number, address: Uint8Array): number {
    return this.#libc.getsockname(fd, address);
  }

  recv(fd: number, target: Uint8Array): number {
    return this.#libc.recv(fd, target);
  }

  send(fd: number, source: Uint8Array): number {
    return this.#libc.send(fd, source);
  }

  shutdown(fd: number, how: number): number {
    return this.#libc.shutdown(fd, how);
  }

  epollCtl(epoll: number, operation: number, fd: number, event: Uint8Array): number {
    return this.#libc.epollCtl(epoll, operation, fd, event);
  }

  epollWait(epoll: number, events: Uint8Array, eventsMax: number): number {
    return this.#libc.epollWait(epoll, events, eventsMax);
  }

  epollReady(epoll: number, timeoutNs: number): number {
    return this.#libc.epollReady(epoll, timeoutNs);
  }

  epollWaitLater(epoll: number, timeoutMs: number): Promise<void> {
    return this.#libc.epollWaitLater(epoll, timeoutMs);
  }

  eventfdWrite(fd: number): number {
    return this.#libc.eventfdWrite(fd);
  }

  unload(): void {
    this.#libc.unload();
  }

  #opened(fd: number): number {
    if (fd >= 0) this.#owners.set(fd, this.#node);
    return fd;
  }
}
