/** A side of a ring as a pipe that pushes. */
import type { Pipe, PipeReceiver } from "../pipe.ts";
import { RingReader, RingWriter } from "./byte_ring.ts";
import { type RingBuffers, type RingSide, Slot, State, wake, Wants } from "./ring_buffers.ts";
import type { Polled, RingSet } from "./ring_set.ts";

/** A ring has ended because a thread that used it is gone, or because it was closed from outside. */
export class RingBrokenError extends Error {
  override readonly name = "RingBrokenError";

  constructor() {
    super("The ring is closed: the thread at its other side is gone");
  }
}

/**
 * A side of a ring as a pipe. What it reads is copied out of the shared memory before the receiver
 * sees it, because the other thread may overwrite that at any time.
 */
export class RingPipe implements Pipe, Polled {
  readonly #rings: RingSet;
  readonly #in: RingReader;
  readonly #out: RingWriter;
  readonly #slots: Int32Array;
  readonly #otherSide: RingSide;
  readonly #parkedSlot: number;
  #receiver: PipeReceiver;
  /** The rest of the last write; `null` for none. */
  #rest: Uint8Array | null = null;
  #isPaused = true;
  /** Whether the end was reported, or is about to be. */
  #isEnded = false;
  #isClosed = false;
  #isWriteClosed = false;
  /** Whether a wait for shared memory is pending. It stays so while the ring is polled. */
  #isWaiting = false;
  readonly #onRung = () => {
    this.#isWaiting = false;
    this.#rings.onRung();
  };

  constructor(buffers: RingBuffers, side: RingSide, receiver: PipeReceiver, rings: RingSet) {
    this.#rings = rings;
    this.#otherSide = side === 0 ? 1 : 0;
    this.#out = new RingWriter(buffers, side);
    this.#in = new RingReader(buffers, this.#otherSide);
    this.#slots = this.#in.slots;
    this.#parkedSlot = Slot.parked(side);
    this.#receiver = receiver;
    rings.add(this);
  }

  /** Replaces the receiver. No write may be in progress. */
  handOver(receiver: PipeReceiver): void {
    this.#receiver = receiver;
  }

  start(): void {
    this.resume();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isClosed) this.#endLater();
    else this.#rings.onWanted();
  }

  write(source: Uint8Array): number {
    if (this.#isClosed || this.#isWriteClosed) throw new Error("Cannot write to a closed ring");
    const failure = this.#writeFailure();
    if (failure !== null) throw failure;
    const taken = this.#out.write(source);
    if (taken > 0) wake(this.#slots, this.#otherSide, Wants.bytes);
    if (taken === source.length) return taken;
    this.#rest = taken === 0 ? source : source.subarray(taken);
    this.#rings.onWanted();
    return taken;
  }

  closeWrite(): void {
    if (this.#isWriteClosed) return;
    this.#isWriteClosed = true;
    this.#out.addState(State.ended);
    wake(this.#slots, this.#otherSide, Wants.bytes | Wants.room);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rest = null;
    this.#rings.remove(this);
    this.#in.addState(State.unread);
    this.closeWrite();
    wake(this.#slots, this.#otherSide, Wants.bytes | Wants.room);
    // The wait ends, so that the engine keeps nothing of this ring.
    Atomics.store(this.#slots, this.#parkedSlot, 0);
    Atomics.notify(this.#slots, this.#parkedSlot);
    if (!this.#isPaused) this.#endLater();
  }

  poll(): boolean {
    let isFound = this.#rest !== null && this.#writeRest();
    if (!this.#isPaused && !this.#isEnded && this.#read()) isFound = true;
    return isFound;
  }

  park(): boolean {
    const wantsBytes = !this.#isPaused && !this.#isEnded;
    const wants = (wantsBytes ? Wants.bytes : 0) | (this.#rest === null ? 0 : Wants.room);
    if (wants === 0) return true;
    Atomics.store(this.#slots, this.#parkedSlot, wants);
    // The other side may have looked at the slot before.
    if (wantsBytes && (this.#in.state !== 0 || this.#in.readable > 0)) return false;
    if (this.#rest !== null && (this.#writeFailure() !== null || !this.#out.isFull)) return false;
    if (this.#isWaiting) return true;
    const wait = Atomics.waitAsync(this.#slots, this.#parkedSlot, wants);
    if (!wait.async) return false;
    this.#isWaiting = true;
    wait.value.then(this.#onRung);
    return true;
  }

  unpark(): void {
    Atomics.store(this.#slots, this.#parkedSlot, 0);
  }

  #read(): boolean {
    // The writer sets the state after its last bytes.
    const { state } = this.#in;
    if (this.#in.readable === 0) {
      if (state === 0) return false;
      this.#isEnded = true;
      this.#receiver.onEnded((state & State.ended) !== 0 ? null : new RingBrokenError());
      return true;
    }
    const receiver = this.#receiver;
    const bytes = this.#in.read(receiver.target(this.#rings.buffer(this.#in.offset)));
    wake(this.#slots, this.#otherSide, Wants.room);
    receiver.onReceived(bytes);
    return true;
  }

  /** Returns whether the write went on or has failed. */
  #writeRest(): boolean {
    const rest = this.#rest!;
    const failure = this.#writeFailure();
    if (failure !== null) {
      this.#rest = null;
      this.#receiver.onWriteFailed(failure);
      return true;
    }
    const taken = this.#out.write(rest);
    if (taken === 0) return false;
    wake(this.#slots, this.#otherSide, Wants.bytes);
    this.#rest = taken === rest.length ? null : rest.subarray(taken);
    // The receiver may write more, and may close the ring.
    this.#receiver.onWritten(taken);
    return true;
  }

  /** The error of a write that nobody will read; `null` for none. */
  #writeFailure(): Error | null {
    if (!this.#out.isUnread) return null;
    return (this.#out.state & State.unread) !== 0
      ? new Error("Cannot write: the other side has closed the ring")
      : new RingBrokenError();
  }

  #endLater(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    queueMicrotask(() => this.#receiver.onEnded(null));
  }
}
