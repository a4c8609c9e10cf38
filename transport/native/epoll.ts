/** Epoll: which descriptors are ready, and for what. */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, type Libc } from "./libc.ts";

/**
 * An epoll instance. Each descriptor is registered with a generation, which its events contain. So
 * an event of a closed descriptor is not taken for an event of the next connection with the same
 * number.
 */
export class Epoll {
  /** The number of events that the last {@linkcode poll} has found. */
  count = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #size: number;
  readonly #dataOffset: number;
  readonly #max: number;
  readonly #events: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #one: Uint8Array<ArrayBuffer>;
  readonly #oneView: DataView;

  /**
   * @param fd The descriptor of the instance.
   * @param max How many events a poll finds at most.
   */
  constructor(libc: Libc, fd: number, max: number) {
    const { size, dataOffset } = libc.eventLayout;
    this.#libc = libc;
    this.#fd = fd;
    this.#size = size;
    this.#dataOffset = dataOffset;
    this.#max = max;
    this.#events = new Uint8Array(size * max);
    this.#view = new DataView(this.#events.buffer);
    this.#one = new Uint8Array(size);
    this.#oneView = new DataView(this.#one.buffer);
  }

  /** Watches a descriptor for the events of `flags`. Returns 0, or the negative error number. */
  add(fd: number, flags: number, generation: number): number {
    return this.#control(EPOLL_CTL_ADD, fd, flags, generation);
  }

  /** Watches the descriptor for other events. */
  change(fd: number, flags: number, generation: number): number {
    return this.#control(EPOLL_CTL_MOD, fd, flags, generation);
  }

  /** Stops watching the descriptor. Closing a descriptor does the same. */
  remove(fd: number): number {
    return this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Finds the pending events, without waiting. Returns their number, or the negative error number.
   */
  poll(): number {
    const found = this.#libc.epollWait(this.#fd, this.#events, this.#max);
    this.count = Math.max(0, found);
    return found;
  }

  /** The flags of an event. */
  flags(index: number): number {
    return this.#view.getUint32(index * this.#size, true);
  }

  /** The descriptor of an event. */
  fd(index: number): number {
    return this.#view.getInt32(index * this.#size + this.#dataOffset, true);
  }

  /** The generation with which its descriptor was registered. */
  generation(index: number): number {
    return this.#view.getInt32(index * this.#size + this.#dataOffset + 4, true);
  }

  #control(operation: number, fd: number, flags: number, generation: number): number {
    const view = this.#oneView;
    view.setUint32(0, flags, true);
    view.setInt32(this.#dataOffset, fd, true);
    view.setInt32(this.#dataOffset + 4, generation, true);
    return this.#libc.epollCtl(this.#fd, operation, fd, this.#one);
  }
}
