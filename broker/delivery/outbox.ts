import type { Tally } from "../base/memory_tally.ts";
import type { BufferPool } from "../../log/buffer_pool.ts";
import type { ByteCursor } from "../../log/byte_cursor.ts";
import { ByteLog, copyBytes } from "../../log/byte_log.ts";
import type { Waiter } from "../../log/log.ts";
import { Receipt } from "../../log/receipt.ts";
import { type Stretch, Trail } from "../../log/trail.ts";
import type { Transport } from "../../transport/transport.ts";
import type { Clock } from "../base/clock.ts";
import { Backpressure } from "./backpressure.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Scheduler } from "../base/scheduler.ts";

/** Pieces up to this size are gathered into one buffer; larger ones leave as they are. */
const GATHER_BYTES = 16 * 1024;
/** A piece at least this long is not copied to be gathered. */
const DIRECT_BYTES = 8 * 1024;
/** Bytes made ahead of the socket from messages that wait. */
const AHEAD_BYTES = 64 * 1024;
/** How many bytes are appended between two looks at the lag. */
const LOOK_BYTES = 16 * 1024;
/** A subscriber that lags by no more than this is like any other, in bytes. */
const LAG_BYTES_MIN = 64 * 1024;
/** What it costs to go from one log to another, in bytes of memory (measured, garbage included). */
const STRETCH_BYTES = 512;

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Whoever shares a log with an outbox: told when the outbox has left the log. */
export interface Follows {
  /** The outbox no longer follows, because something else was appended for it. */
  left(): void;
}

/** What an outbox needs of the broker. */
export interface OutboxHost {
  readonly limits: BrokerLimits;
  readonly scheduler: Scheduler;
  readonly pool: BufferPool;
  readonly clock: Clock;
  /**
   * Has `flush` called: at the end of this turn, or among many that a shared
   * log has woken when their turn comes.
   */
  flushLater(outbox: Outbox, isWoken: boolean): void;
  /** How far a subscriber may lag, in bytes, for which so many more wait now. */
  lagMax(appended: number): number;
  /** Slows down whoever publishes now until the receipt closes. */
  needRoom(room: Receipt): void;
  /** Counts messages that are given to the network. */
  messagesLeft(frames: number, bytes: number): void;
  /** A write begins. */
  writing(): void;
  /** Counts frames that a lagging subscriber has lost. */
  lagged(frames: number): void;
  /** Reports a failure of the broker's own. */
  failed(error: unknown): void;
}

/** What an outbox needs of the connection it belongs to. */
export interface OutboxOwner {
  /** There is room: encode some of what waits. */
  pump(): void;
  /** So many bytes have left. */
  sent(bytes: number): void;
  /**
   * Nothing is written any more: everything was, after `finish`, or the
   * outbox was aborted, or the transport has failed with `error`.
   */
  outboxEnded(isComplete: boolean, error: unknown): void;
}

/**
 * Everything that is to be written to one connection, as a trail over byte
 * logs: the logs it shares with other subscribers, and one of its own. Control
 * packets go first, since they answer something and need no order among the
 * messages.
 *
 * There is never more than one write in flight; what comes meanwhile leaves
 * with the next.
 */
export class Outbox implements Waiter {
  /** Whether the outbox is on the list of those to be flushed. */
  listed = false;
  readonly #transport: Transport;
  readonly #host: OutboxHost;
  readonly #owner: OutboxOwner;
  readonly #trail = new Trail<ByteCursor, Follows | null>();
  /** Frames for this connection alone that may be skipped when it lags: QoS 0. */
  #loose: ByteLog | null = null;
  /** Frames for this connection alone that may not: they have a packet identifier. */
  #sure: ByteLog | null = null;
  /** The one of the two in which room was reserved. */
  #own: ByteLog | null = null;
  /** The one of the two that is followed at the moment, if any. */
  #following: ByteLog | null = null;
  #control: Uint8Array<ArrayBuffer> = NO_BYTES;
  #controlBytes = 0;
  /** What is being written, or `null`. */
  #writing: Uint8Array<ArrayBuffer> | null = null;
  /** The buffer to give back once it is written. */
  #lent: Uint8Array<ArrayBuffer> | null = null;
  #appended = 0;
  /** Whether a write has ended since the last look, and how many looks found that none has. */
  #progressed = false;
  #looks = 0;
  /** Closes when the control packets that wait are being written. */
  #controlTaken: Receipt | null = null;
  /** Whether publishers should wait for this connection; made when they first do. */
  #congestion: Backpressure | null = null;
  #isHeld = false;
  #state: "open" | "draining" | "finishing" | "closed" = "open";
  readonly #onWritten = (bytes: number) => {
    try {
      this.#written(bytes);
    } catch (error) {
      this.#host.failed(error);
      this.#end(false, error);
    }
  };
  readonly #onFailed = (error: unknown) => this.#end(false, error);

  constructor(transport: Transport, host: OutboxHost, owner: OutboxOwner) {
    this.#transport = transport;
    this.#host = host;
    this.#owner = owner;
  }

  /** Whether messages may still be appended. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Bytes of messages that wait to be written, with what it costs to know where they are. */
  get lag(): number {
    const { lag, size } = this.#trail;
    return size > 1 ? lag + (size - 1) * STRETCH_BYTES : lag;
  }

  /** Adds what it holds; logs that are shared count once. */
  tally(tally: Tally): void {
    const { first, size } = this.#trail;
    tally.trail(first, size, () => 1);
    tally.bytes += this.#control.length + (this.#lent?.length ?? 0);
  }

  /** Whether more messages should be encoded ahead. */
  get hasRoom(): boolean {
    return this.isOpen && this.lag < AHEAD_BYTES;
  }

  /**
   * Makes room for a control packet, to be written by the caller at once to
   * {@linkcode controlBuffer}, from the offset returned.
   */
  reserveControl(bytes: number): number {
    const needed = this.#controlBytes + bytes;
    if (this.#control.length < needed) {
      const larger = this.#host.pool.take(Math.max(needed, this.#control.length * 2));
      larger.set(this.#control.subarray(0, this.#controlBytes));
      this.#host.pool.give(this.#control);
      this.#control = larger;
    }
    const offset = this.#controlBytes;
    this.#controlBytes = needed;
    this.#touch();
    return offset;
  }

  /** The buffer of {@linkcode reserveControl}. */
  get controlBuffer(): Uint8Array<ArrayBuffer> {
    return this.#control;
  }

  /** Bytes of control packets that wait to be written. */
  get controlBytes(): number {
    return this.#controlBytes;
  }

  /** Resolves when the control packets that wait now are being written, or never will be. */
  controlTaken(): Promise<void> {
    return (this.#controlTaken ??= new Receipt()).wait();
  }

  /** How often in a row, now included, this was called during one and the same write. */
  stuckLooks(): number {
    const isStuck = this.#writing !== null && !this.#progressed;
    this.#progressed = false;
    this.#looks = this.#writing === null ? 0 : isStuck ? this.#looks + 1 : 1;
    return this.#looks;
  }

  /**
   * Makes room for one frame of `bytes` for this connection alone.
   *
   * @param sure Whether the frame must not be skipped, however far this lags.
   */
  reserve(bytes: number, sure: boolean): number {
    return this.#openOwn(sure).reserve(bytes);
  }

  /** The buffer of {@linkcode reserve}. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#own!.buffer;
  }

  /** Appends the frame that was written to the room reserved. */
  commit(bytes: number): void {
    this.#own!.commit(bytes, 1);
    this.#grew(bytes);
  }

  /** Appends a copy of `source[start, end)`, which is `frames` whole QoS 0 frames. */
  append(source: Uint8Array, start: number, end: number, frames: number): void {
    this.#openOwn(false).append(source, start, end, frames);
    this.#grew(end - start);
  }

  /** Follows a log that is shared, from its end on, until something else is appended. */
  follow(log: ByteLog, key: Follows): void {
    this.leave();
    this.#trail.follow(log.cursor(), key);
    this.wake();
  }

  /** Leaves the shared log that is followed, if any. */
  leave(): void {
    const open = this.#trail.open;
    if (open === null) return;
    this.#following = null;
    this.#trail.close(open.cursor.log.frames);
    open.key?.left();
  }

  /** Leaves the shared log that was followed for `key`, for good: it goes on without this. */
  leaveIf(key: Follows): void {
    if (this.#trail.open?.key === key) this.leave();
    for (let s = this.#trail.first; s !== null; s = s.next) {
      if (s.key === key) s.cursor.detach(s.end);
    }
  }

  /** There is something to write, and maybe for many others, too: called by a log. */
  wake(): void {
    if (this.#writing === null && this.#state !== "closed") this.#touch(true);
  }

  /** There is something to write for this connection. */
  hurry(): void {
    if (this.#writing === null && this.#state !== "closed") this.#touch();
  }

  /** Looks at how far this outbox lags: slows publishers down, or jumps ahead. */
  look(): void {
    const appended = this.#appended;
    this.#appended = 0;
    const { lag } = this;
    const { highWaterBytes } = this.#host.limits;
    if (lag > highWaterBytes && this.isOpen) this.#slowDown();
    const lagBytesMax = lag <= LAG_BYTES_MIN
      ? this.#host.limits.lagBytesMax
      : this.#host.lagMax(appended || LOOK_BYTES);
    if (lag > lagBytesMax) this.#skip(lag - lagBytesMax / 2);
  }

  /** Has whoever publishes wait, unless this connection takes nothing at all. */
  #slowDown(): void {
    const { clock, scheduler, limits } = this.#host;
    this.#congestion ??= new Backpressure(clock, scheduler, limits);
    if (!this.#congestion.isStalled) this.#host.needRoom(this.#congestion.room());
  }

  /** Writes nothing until {@linkcode release}: what is said first is not sure yet. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Goes on to write after {@linkcode hold}. */
  release(): void {
    this.#isHeld = false;
    this.#touch();
  }

  /** Forgets the control packets that wait. */
  discardControl(): void {
    this.#controlBytes = 0;
  }

  /** Starts a write, unless one is in flight. */
  flush(): void {
    if (this.#writing !== null || this.#isHeld || this.#state === "closed") return;
    if (this.#state === "open") this.#owner.pump();
    const next = this.#gather();
    if (next !== null) this.#write(next);
    else if (this.#state !== "open") this.#end(true, null);
    else this.#park();
  }

  /**
   * Writes what is left and nothing more.
   *
   * @param drain Whether messages that wait are written too, or only what
   * control packets there are.
   */
  finish(drain: boolean): void {
    if (this.#state === "closed") return;
    this.#state = drain ? "draining" : "finishing";
    this.leave();
    if (!drain) this.#trail.clear();
    this.#touch();
  }

  /** Writes nothing more. */
  abort(): void {
    this.#end(false, null);
  }

  #touch(isWoken = false): void {
    if (!this.listed) this.#host.flushLater(this, isWoken);
  }

  #openOwn(sure: boolean): ByteLog {
    const { pool } = this.#host;
    const own = sure ? this.#sure ??= new ByteLog(pool) : this.#loose ??= new ByteLog(pool);
    this.#own = own;
    if (this.#following === own) return own;
    this.leave();
    this.#trail.follow(own.cursor(), null);
    return this.#following = own;
  }

  #grew(bytes: number): void {
    if (this.#writing === null) this.#touch();
    this.#appended += bytes;
    if (this.#appended >= LOOK_BYTES) this.look();
  }

  /** The bytes of the next write: one piece as it is, or several small ones together. */
  #gather(): Uint8Array<ArrayBuffer> | null {
    const stretch = this.#trail.current();
    if (stretch === null) return this.#controlBytes === 0 ? null : this.#takeControl();
    const available = stretch.cursor.available(stretch.end);
    const alone = stretch.next === null && available === stretch.limit - stretch.cursor.position;
    if (this.#controlBytes === 0 && (alone || available >= DIRECT_BYTES)) {
      return this.#take(stretch);
    }
    return this.#gatherPieces();
  }

  #take({ cursor, end, endCount }: Stretch<ByteCursor, Follows | null>): Uint8Array<ArrayBuffer> {
    const before = cursor.frames;
    const piece = cursor.take(end, endCount);
    this.#host.messagesLeft(cursor.frames - before, piece.length);
    return piece;
  }

  #forgetControl(): void {
    this.#control = NO_BYTES;
    this.#controlBytes = 0;
    this.#controlTaken?.close();
    this.#controlTaken = null;
  }

  #takeControl(): Uint8Array<ArrayBuffer> {
    const view = this.#control.subarray(0, this.#controlBytes);
    this.#lent = this.#control;
    this.#forgetControl();
    return view;
  }

  /** Every piece ends with a frame, so a control packet may go in front of any. */
  #gatherPieces(): Uint8Array<ArrayBuffer> {
    const target = this.#host.pool.take(Math.max(GATHER_BYTES, this.#controlBytes));
    let filled = this.#controlBytes;
    copyBytes(this.#control, 0, filled, target, 0);
    if (filled > 0) {
      this.#host.pool.give(this.#control);
      this.#forgetControl();
    }
    for (let s = this.#trail.current(); s !== null; s = this.#trail.current()) {
      const available = s.cursor.available(s.end);
      if (available > target.length - filled) break;
      const piece = this.#take(s);
      copyBytes(piece, 0, piece.length, target, filled);
      filled += piece.length;
      if (s.key === null) s.cursor.recycle();
    }
    // Never nothing: without control packets the first piece is a small one.
    this.#lent = target;
    return target.subarray(0, filled);
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#writing = bytes;
    this.#host.writing();
    this.#transport.write(bytes).then(this.#onWritten, this.#onFailed);
  }

  #written(bytes: number): void {
    const writing = this.#writing;
    if (writing === null || this.#state === "closed") return;
    this.#progressed = true;
    this.#congestion?.progress();
    this.#owner.sent(bytes);
    if (bytes < writing.length) return this.#write(writing.subarray(bytes));
    this.#writing = null;
    this.#giveBack();
    const first = this.#trail.first;
    if (first !== null && first.key === null) first.cursor.recycle();
    const congestion = this.#congestion;
    if (congestion?.isAwaited && this.lag <= this.#host.limits.highWaterBytes / 4) {
      congestion.clear();
    }
    this.flush();
  }

  #giveBack(): void {
    if (this.#lent === null) return;
    this.#host.pool.give(this.#lent);
    this.#lent = null;
  }

  /** Everything was written: a shared log tells when it goes on. */
  #park(): void {
    this.#congestion?.progress();
    const open = this.#trail.open;
    if (open !== null && open.key !== null) open.cursor.park(this);
  }

  #skip(bytes: number): void {
    let left = bytes;
    let frames = 0;
    for (let s = this.#trail.first; s !== null && left > 0; s = s.next) {
      if (s.cursor.log === this.#sure) continue;
      const before = s.cursor.position;
      const keep = Math.max(0, s.limit - before - left);
      const count = s.end === Infinity ? s.cursor.log.frames : s.endCount;
      frames += s.cursor.skipUntil(keep, s.limit, count);
      left -= s.cursor.position - before;
      if (s.cursor.position >= s.end) left -= STRETCH_BYTES;
    }
    this.#trail.prune();
    this.#forgetSkipped();
    if (frames > 0) this.#host.lagged(frames);
  }

  /** What was skipped of the log of its own is not kept until the next write is over. */
  #forgetSkipped(): void {
    const log = this.#loose;
    if (log === null) return;
    let first = this.#trail.first;
    while (first !== null && first.cursor.log !== log) first = first.next;
    if (first === null) log.forget();
    else first.cursor.forget();
  }

  #end(isComplete: boolean, error: unknown): void {
    if (this.#state === "closed") return;
    this.#close();
    this.#owner.outboxEnded(isComplete, error);
  }

  #close(): void {
    this.#state = "closed";
    this.leave();
    this.#trail.clear();
    this.#congestion?.clear();
    this.#forgetControl();
    // A write in flight still reads its buffer, which is left to the runtime.
    this.#lent = null;
    this.#own =
      this.#following =
      this.#loose =
      this.#sure =
        null;
  }
}
