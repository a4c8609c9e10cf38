import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** What a direction of a virtual connection is like. */
export interface PipeConditions {
  /** A piece arrives this late at most, never before one sent earlier. */
  maxDelayMs: number;
  /** Bytes that can be under way or unread: past that, writes wait. */
  windowBytes: number;
}

/**
 * One direction of a virtual connection. It takes a random part of each write, carries the part
 * for a random time and hands it to reads in random parts again, so that a test meets every way in
 * which a network may cut a stream of bytes.
 */
export class VirtualPipe {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #conditions: PipeConditions;
  readonly #onArrival: (bytes: Uint8Array) => void;
  /** What has arrived and is unread. */
  readonly #arrived: Uint8Array[] = [];
  /** Bytes under way or unread. */
  #heldBytes = 0;
  #lastArrivalMs = 0;
  #isEnded = false;
  #readError: Error | undefined;
  #writeError: Error | undefined;
  #readable: PromiseWithResolvers<void> = Promise.withResolvers();
  #writable: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param onArrival Told of each piece just before it can be read. */
  constructor(
    clock: VirtualClock,
    random: Random,
    conditions: PipeConditions,
    onArrival: (bytes: Uint8Array) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#conditions = conditions;
    this.#onArrival = onArrival;
  }

  /** Takes some of `bytes`, as soon as the window has room for one. */
  async write(bytes: Uint8Array): Promise<number> {
    if (bytes.length === 0) return 0;
    while (this.#writeError === undefined && this.#roomBytes === 0) await this.#writable.promise;
    if (this.#writeError !== undefined) throw this.#writeError;
    const count = this.#part(Math.min(bytes.length, this.#roomBytes));
    // Copied only now: what changes its bytes while a write is under way must be found out.
    const piece = bytes.slice(0, count);
    this.#heldBytes += count;
    this.#carry(() => this.#arrive(piece));
    return count;
  }

  /** Fills some of `target`, as soon as there is a byte; `null` after the writer's end. */
  async read(target: Uint8Array): Promise<number | null> {
    while (this.#readError === undefined && this.#arrived.length === 0 && !this.#isEnded) {
      await this.#readable.promise;
    }
    if (this.#readError !== undefined) throw this.#readError;
    const piece = this.#arrived.shift();
    if (piece === undefined) return null;
    const count = this.#part(Math.min(piece.length, target.length));
    target.set(piece.subarray(0, count));
    if (count < piece.length) this.#arrived.unshift(piece.subarray(count));
    this.#heldBytes -= count;
    this.#wakeWriter();
    return count;
  }

  /** The writer says it is done: what is under way still arrives, then the end does. */
  end(): void {
    this.#carry(() => {
      this.#isEnded = true;
      this.#wakeReader();
    });
  }

  /** Fails every read from now on, even of bytes that have arrived. */
  failReads(error: Error): void {
    this.#readError ??= error;
    this.#wakeReader();
  }

  /** Fails every write from now on. */
  failWrites(error: Error): void {
    this.#writeError ??= error;
    this.#wakeWriter();
  }

  get #roomBytes(): number {
    return this.#conditions.windowBytes - this.#heldBytes;
  }

  /** All of it as often as not, else any part but none. */
  #part(bytes: number): number {
    return this.#random.chance(0.5) ? bytes : this.#random.integer(Math.min(1, bytes), bytes);
  }

  #carry(deliver: () => void): void {
    const atMs = this.#clock.now() + this.#random.integer(0, this.#conditions.maxDelayMs);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs);
    this.#clock.schedule(this.#lastArrivalMs, deliver);
  }

  #arrive(piece: Uint8Array): void {
    this.#onArrival(piece);
    if (this.#readError !== undefined) return;
    this.#arrived.push(piece);
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#readable.resolve();
    this.#readable = Promise.withResolvers();
  }

  #wakeWriter(): void {
    this.#writable.resolve();
    this.#writable = Promise.withResolvers();
  }
}
