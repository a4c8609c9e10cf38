/** The shared memory of a ring: two rings of bytes, one in each direction, and their positions. */

/** Options of {@linkcode makeRing}. */
export interface RingOptions {
  /**
   * How many bytes wait in each direction before a writer has to wait: a power of two from 64 to
   * 2^30. By default 1 MiB.
   */
  readonly capacityBytes?: number;
}

/**
 * The memory that two threads of a process share. It can be posted to a worker, any number of
 * times. Each of its two sides must be used by one thread at a time.
 */
export interface RingBuffers {
  /** The positions and states, as 32-bit integers: see `Slot`. */
  readonly positions: SharedArrayBuffer;
  /** The bytes that side 0 writes and side 1 reads, and the bytes of the other direction. */
  readonly bytes: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** An end of the ring. */
export type RingSide = 0 | 1;

const CAPACITY_BYTES = 1 << 20;
const CAPACITY_BYTES_MIN = 64;
const CAPACITY_BYTES_MAX = 2 ** 30;

/** The integers of a cache line: what two threads write lies in different lines. */
const LINE = 16;

/**
 * Where the positions are. A position is the number of bytes since the beginning, modulo 2^32.
 * `written`, `read` and `state` are per direction, `parked` is per side.
 */
export const Slot = {
  /** The position up to which the writer has written. Only the writer changes it. */
  written: (writer: RingSide): number => LINE * 4 * writer,
  /** The position up to which the reader has read. Only the reader changes it. */
  read: (writer: RingSide): number => LINE * (4 * writer + 1),
  /** The bits of {@linkcode State}. They are set, and never cleared. */
  state: (writer: RingSide): number => LINE * (4 * writer + 2),
  /** The bits of {@linkcode Wants} of a side that is parked; 0 while it is not. */
  parked: (side: RingSide): number => LINE * (4 * side + 3),
} as const;

const SLOTS = LINE * 8;

/** What has happened to a direction. */
export const State = {
  /** The writer writes no more. */
  ended: 1,
  /** The reader reads no more. */
  unread: 2,
  /** It was closed from outside: one of the threads is gone. */
  broken: 4,
} as const;

/** What a parked side waits for. The other side wakes it when this has come, and for an end. */
export const Wants = {
  /** Bytes to read. */
  bytes: 1,
  /** Room to write into. */
  room: 2,
} as const;

/**
 * Makes the memory of a ring.
 *
 * @throws {RangeError} If the capacity is no power of two, too small or too large.
 */
export function makeRing({ capacityBytes = CAPACITY_BYTES }: RingOptions = {}): RingBuffers {
  const isPowerOfTwo = Number.isInteger(Math.log2(capacityBytes));
  if (!isPowerOfTwo || capacityBytes < CAPACITY_BYTES_MIN || capacityBytes > CAPACITY_BYTES_MAX) {
    throw new RangeError(
      `Cannot make a ring: capacityBytes must be a power of two from ${CAPACITY_BYTES_MIN} to ` +
        `${CAPACITY_BYTES_MAX}, not ${capacityBytes}`,
    );
  }
  return {
    positions: new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT),
    bytes: [new SharedArrayBuffer(capacityBytes), new SharedArrayBuffer(capacityBytes)],
  };
}

/**
 * Closes a ring from outside, because a thread that used it is gone. The other side reads what was
 * written, and then its pipe ends with an error. Calling it again does nothing.
 */
export function closeRing({ positions }: RingBuffers): void {
  const slots = new Int32Array(positions);
  for (const side of [0, 1] as const) Atomics.or(slots, Slot.state(side), State.broken);
  for (const side of [0, 1] as const) wake(slots, side, Wants.bytes | Wants.room);
}

/** Whether nothing can go through a ring any more in either direction, but what was written before. */
export function isRingOver({ positions }: RingBuffers): boolean {
  const slots = new Int32Array(positions);
  return ([0, 1] as const).every((side) => Atomics.load(slots, Slot.state(side)) !== 0);
}

/**
 * Wakes a side if it is parked and wants one of `what`. What it wants must have been stored before.
 *
 * @param what The bits of {@linkcode Wants}.
 */
export function wake(slots: Int32Array, side: RingSide, what: number): void {
  const slot = Slot.parked(side);
  for (;;) {
    const wants = Atomics.load(slots, slot);
    if ((wants & what) === 0) return;
    if (Atomics.compareExchange(slots, slot, wants, 0) !== wants) continue;
    Atomics.notify(slots, slot);
    return;
  }
}
