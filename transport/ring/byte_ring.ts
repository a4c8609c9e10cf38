/** One direction of a ring: one thread writes bytes, and one reads them. */
import { type RingBuffers, type RingSide, Slot, State } from "./ring_buffers.ts";
import { copyFromShared, copyToShared } from "./shared_copy.ts";

/** What both ends of a direction know. */
class RingEnd {
  /** The positions and states of the ring. */
  readonly slots: Int32Array;
  protected readonly bytes: Uint8Array<SharedArrayBuffer>;
  protected readonly writtenSlot: number;
  protected readonly readSlot: number;
  readonly #stateSlot: number;

  /** @param writer The side that writes. */
  constructor(buffers: RingBuffers, writer: RingSide) {
    this.slots = new Int32Array(buffers.positions);
    this.bytes = new Uint8Array(buffers.bytes[writer]);
    this.writtenSlot = Slot.written(writer);
    this.readSlot = Slot.read(writer);
    this.#stateSlot = Slot.state(writer);
  }

  /** The bits of `State`. */
  get state(): number {
    return Atomics.load(this.slots, this.#stateSlot);
  }

  /** Sets bits of `State`. */
  addState(bits: number): void {
    Atomics.or(this.slots, this.#stateSlot, bits);
  }

  /** Where in the ring a position is. */
  protected indexOf(position: number): number {
    return position & (this.bytes.length - 1);
  }
}

/** The end that writes. Only one thread may have it. */
export class RingWriter extends RingEnd {
  #written: number;
  /** A position that the reader has passed. It is read again when there seems to be no room. */
  #read: number;

  constructor(buffers: RingBuffers, writer: RingSide) {
    super(buffers, writer);
    this.#written = Atomics.load(this.slots, this.writtenSlot);
    this.#read = Atomics.load(this.slots, this.readSlot);
  }

  /** Whether the reader reads no more, or is gone. */
  get isUnread(): boolean {
    return (this.state & (State.unread | State.broken)) !== 0;
  }

  /** Whether there is no room for a single byte. */
  get isFull(): boolean {
    this.#read = Atomics.load(this.slots, this.readSlot);
    return (this.#written - this.#read | 0) === this.bytes.length;
  }

  /** Writes as much from the start of `source` as there is room for. Returns how many bytes. */
  write(source: Uint8Array): number {
    const capacity = this.bytes.length;
    let room = capacity - (this.#written - this.#read | 0);
    if (room < source.length) {
      this.#read = Atomics.load(this.slots, this.readSlot);
      room = capacity - (this.#written - this.#read | 0);
    }
    const count = Math.min(room, source.length);
    if (count === 0) return 0;
    const at = this.indexOf(this.#written);
    const first = Math.min(count, capacity - at);
    copyToShared(this.bytes, at, source, 0, first);
    if (first < count) copyToShared(this.bytes, 0, source, first, count - first);
    this.#written = this.#written + count | 0;
    Atomics.store(this.slots, this.writtenSlot, this.#written);
    return count;
  }
}

/** The end that reads. Only one thread may have it. */
export class RingReader extends RingEnd {
  #read: number;

  constructor(buffers: RingBuffers, writer: RingSide) {
    super(buffers, writer);
    this.#read = Atomics.load(this.slots, this.readSlot);
  }

  /** How many bytes can be read. */
  get readable(): number {
    return Atomics.load(this.slots, this.writtenSlot) - this.#read | 0;
  }

  /** The offset of the next byte within a word. A target with the same offset is filled faster. */
  get offset(): number {
    return this.#read & 7;
  }

  /** Reads into the start of `target` as much as it holds and there is. Returns how many bytes. */
  read(target: Uint8Array): number {
    const count = Math.min(this.readable, target.length);
    if (count === 0) return 0;
    const at = this.indexOf(this.#read);
    const first = Math.min(count, this.bytes.length - at);
    copyFromShared(target, this.bytes, at, first, 0);
    if (first < count) copyFromShared(target, this.bytes, 0, count - first, first);
    this.#read = this.#read + count | 0;
    Atomics.store(this.slots, this.readSlot, this.#read);
    return count;
  }
}
