/** What is written to one connection, and when. */
import type { Tally } from "../base/memory_tally.ts";
import { type ByteLog, copyBytes } from "../../log/byte_log.ts";
import type { Waiter } from "../../log/log.ts";
import type { Pipe } from "../../transport/pipe.ts";
import { Backpressure, isHigh } from "./backpressure.ts";
import { ControlPackets } from "./control_packets.ts";
import type { OutboxHost, OutboxOwner } from "./outbox_host.ts";
import { type Follows, OutboxTrail } from "./outbox_trail.ts";

/** Smaller pieces are combined: of a hundred writes, 0 to 3 follow another, so `writev` saves little. */
const GATHER_BYTES = 16 * 1024;
/** A piece of at least this length is never copied into the combined buffer. */
const DIRECT_BYTES = 8 * 1024;
/** The maximum size of encoded messages that wait for the socket, in bytes. */
const AHEAD_BYTES = 64 * 1024;
/** The number of bytes appended between two checks of the lag. */
const CHECK_BYTES = 16 * 1024;
/** A subscriber that lags by no more than this is like any other, in bytes. */
const LAG_BYTES_MIN = 64 * 1024;
/**
 * All bytes to be written to one connection, as a trail over byte logs: logs that it shares with
 * other subscribers, and its own. Control packets come first, because they are responses and need
 * no order relative to the messages. At most one write is in progress. Bytes that are added
 * meanwhile are part of the next one.
 */
export class Outbox implements Waiter {
  /** Whether it is in the flush queue, which sets this field so that a wake needs no look-up. */
  listed = false;
  /** The waiting control packets; {@linkcode reserveControl} adds one. */
  readonly control: ControlPackets;
  readonly #pipe: Pick<Pipe, "write">;
  readonly #host: OutboxHost;
  readonly #owner: OutboxOwner;
  readonly #trail: OutboxTrail;
  /** The log in which room was reserved. */
  #own: ByteLog | null = null;
  /** The bytes of the write in progress, or `null`. */
  #writing: Uint8Array<ArrayBuffer> | null = null;
  /** The pooled buffer to return after the write. */
  #lent: Uint8Array<ArrayBuffer> | null = null;
  #appended = 0;
  /** Whether a write has ended since the last check, and how many checks found that none has. */
  #progressed = false;
  #stuckChecks = 0;
  /** Flow control of publishers; created at first use. */
  #pressure: Backpressure | null = null;
  #isHeld = false;
  #state: "open" | "draining" | "finishing" | "closed" = "open";

  constructor(pipe: Pick<Pipe, "write">, host: OutboxHost, owner: OutboxOwner) {
    this.#pipe = pipe;
    this.#host = host;
    this.#owner = owner;
    this.#trail = new OutboxTrail(host);
    this.control = new ControlPackets(host.pool);
  }

  /** Whether messages may still be appended. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Bytes of waiting messages, with the memory of their positions. */
  get lag(): number {
    return this.#trail.bytes;
  }

  /** Adds the memory it holds; shared logs count once. */
  tally(tally: Tally): void {
    this.#trail.tally(tally);
    if (this.#lent === null && this.#writing !== null) tally.share(this.#writing);
    tally.bytes += this.control.buffer.length + (this.#lent?.length ?? 0);
  }

  /** Whether more messages should be encoded. */
  get hasRoom(): boolean {
    return this.#state === "open" && this.#trail.bytes < AHEAD_BYTES;
  }

  /**
   * Reserves room for a control packet. The caller must write it at once to the buffer of {@linkcode
   * control}, at the returned offset.
   */
  reserveControl(bytes: number): number {
    const offset = this.control.reserve(bytes);
    this.#touch();
    return offset;
  }

  /** The number of calls in a row during the same write, with this one. */
  countStuckChecks(): number {
    const isStuck = this.#writing !== null && !this.#progressed;
    this.#progressed = false;
    this.#stuckChecks = this.#writing === null ? 0 : isStuck ? this.#stuckChecks + 1 : 1;
    return this.#stuckChecks;
  }

  /**
   * Reserves room for one frame of `bytes` for this connection alone.
   *
   * @param sure Whether the frame must not be skipped, however large the lag is.
   */
  reserve(bytes: number, sure: boolean): number {
    return (this.#own = this.#trail.own(sure)).reserve(bytes);
  }

  /** The buffer of {@linkcode reserve}. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#own!.buffer;
  }

  /** Appends the frame that was written to the reserved room, or a run of `frames` frames. */
  commit(bytes: number, frames = 1): void {
    this.#own!.commit(bytes, frames);
    this.#grew(bytes);
  }

  /** Appends one frame: what was written to the reserved room, and `rest`, which is not copied. */
  commitSplit(bytes: number, rest: Uint8Array<ArrayBuffer>): void {
    this.#own!.commitSplit(bytes, rest);
    this.#grew(bytes + rest.length);
  }

  /** Appends a copy of `source[start, end)`, which is `frames` whole QoS 0 frames. */
  append(source: Uint8Array, start: number, end: number, frames: number): void {
    this.#trail.own(false).append(source, start, end, frames);
    this.#grew(end - start);
  }

  /** Follows a shared log from its end on, until something else is appended. */
  follow(log: ByteLog, key: Follows): void {
    this.#trail.share(log, key);
    this.wake();
  }

  /** Stops following the shared log, if any. */
  leave(): void {
    this.#trail.leave();
  }

  /** Stops following the shared log of `key`. */
  leaveIf(key: Follows): void {
    this.#trail.leaveIf(key);
  }

  /** A shared log has new bytes, maybe for many outboxes. Called by the log. */
  wake(): void {
    if (this.#writing === null && this.#state !== "closed") this.#touch(true);
  }

  /** There are bytes for this connection alone. */
  hurry(): void {
    if (this.#writing === null && this.#state !== "closed") this.#touch();
  }

  /** Checks the lag: slows publishers down, or skips frames. */
  checkLag(): void {
    const appended = this.#appended;
    this.#appended = 0;
    const { lag } = this;
    if (this.isOpen && isHigh(this.#host.limits, lag)) {
      this.#pressure ??= new Backpressure(this.#host, this.#host);
      this.#pressure.slowDown();
    }
    const lagBytesMax = lag <= LAG_BYTES_MIN
      ? this.#host.limits.lagBytesMax
      : this.#host.lagMax(appended || CHECK_BYTES);
    if (lag <= lagBytesMax) return;
    const frames = this.#trail.skip(lag - lagBytesMax / 2);
    if (frames > 0) this.#host.countLagged(frames);
  }

  /** Writes nothing until {@linkcode release}: CONNACK may still be replaced. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Continues to write after {@linkcode hold}. */
  release(): void {
    this.#isHeld = false;
    this.#touch();
  }

  /** Writes what waits, unless a write is in progress, until the pipe takes no more at once. */
  flush(): void {
    while (this.#flushOnce());
  }

  /** Writes the waiting control packets now, if it can. Returns whether that write goes on. */
  flushControl(): boolean {
    if (this.#writing !== null || this.#trail.isWithinFrame) return false;
    if (this.#isHeld || this.control.bytes === 0) return false;
    this.#write(this.#takeControl());
    return this.#writing !== null && this.#state !== "closed";
  }

  /** The pipe has taken so many more bytes of the write in progress. */
  onWritten(bytes: number): void {
    if (this.#writing === null || this.#state === "closed") return;
    try {
      // The rest of a large frame is written in turns.
      if (this.#taken(bytes)) this.#trail.isWithinFrame ? this.#touch(true) : this.flush();
    } catch (error) {
      this.#host.reportError(error);
      this.#end(false, error);
    }
  }

  /** The write in progress has failed. The peer is gone. */
  onWriteFailed(error: unknown): void {
    this.#end(false, error);
  }

  /**
   * Writes the waiting bytes and then ends.
   *
   * @param drain Whether waiting messages are written too, or only control packets.
   */
  finish(drain: boolean): void {
    if (this.#state === "closed") return;
    this.#state = drain ? "draining" : "finishing";
    this.leave();
    if (!drain) this.#trail.clear();
    this.#touch();
  }

  /** Stops writing. */
  abort(): void {
    this.#end(false, null);
  }

  #touch(isWoken = false): void {
    if (!this.listed) this.#host.flushLater(this, isWoken);
  }

  #grew(bytes: number): void {
    if (this.#writing === null) this.#touch();
    this.#appended += bytes;
    if (this.#appended >= CHECK_BYTES) this.checkLag();
  }

  /** The bytes of the next write: one large piece, or several small ones combined. */
  #gather(): Uint8Array<ArrayBuffer> | null {
    if (this.#trail.isWithinFrame) return this.#trail.takeRest();
    const stretch = this.#trail.current();
    if (stretch === null) return this.control.bytes === 0 ? null : this.#takeControl();
    const available = stretch.cursor.available(stretch.end);
    const alone = stretch.next === null && available === stretch.limit - stretch.cursor.position;
    if (this.control.bytes === 0 && (alone || available >= DIRECT_BYTES)) {
      return this.#trail.take(stretch);
    }
    return this.#gatherPieces();
  }

  #takeControl(): Uint8Array<ArrayBuffer> {
    const { bytes } = this.control;
    this.#lent = this.control.take();
    return this.#lent.subarray(0, bytes);
  }

  /** A piece begins with a whole frame, so a control packet may precede it. */
  #gatherPieces(): Uint8Array<ArrayBuffer> {
    const { pool } = this.#host;
    let filled = this.control.bytes;
    const target = pool.take(Math.max(GATHER_BYTES, filled));
    if (filled > 0) {
      const control = this.control.take();
      copyBytes(control, 0, filled, target, 0);
      pool.give(control);
    }
    for (let s = this.#trail.current(); s !== null; s = this.#trail.current()) {
      const available = s.cursor.available(s.end);
      if (available > target.length - filled) break;
      const piece = this.#trail.take(s);
      copyBytes(piece, 0, piece.length, target, filled);
      filled += piece.length;
      if (s.key === null) s.cursor.recycle();
      if (this.#trail.isWithinFrame) break;
    }
    // Never empty: without control packets the first piece is a small one.
    this.#lent = target;
    return target.subarray(0, filled);
  }

  /** Returns whether a write has ended, so that there may be another. */
  #flushOnce(): boolean {
    if (this.#writing !== null || this.#isHeld || this.#state === "closed") return false;
    if (this.#state === "open") this.#owner.pump();
    const next = this.#gather();
    if (next !== null) return this.#write(next);
    if (this.#state !== "open") this.#end(true, null);
    else this.#park();
    return false;
  }

  /** Begins a write. Returns whether it has ended. */
  #write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#writing = bytes;
    let taken: number;
    try {
      taken = this.#pipe.write(bytes);
    } catch (error) {
      this.#end(false, error);
      return false;
    }
    if (taken < bytes.length) this.#host.onWriteStart();
    return taken > 0 && this.#taken(taken);
  }

  /** The pipe has taken so many bytes of the write. Returns whether the write has ended. */
  #taken(bytes: number): boolean {
    const writing = this.#writing!;
    this.#progressed = true;
    this.#pressure?.progress();
    this.#owner.onSent(bytes);
    if (bytes < writing.length) {
      this.#writing = writing.subarray(bytes);
      return false;
    }
    this.#writing = null;
    if (this.#lent !== null) this.#host.pool.give(this.#lent);
    this.#lent = null;
    this.#trail.recycle();
    if (this.#pressure?.isAwaited) this.#pressure.clearIfLow(this.lag);
    return true;
  }

  /** Everything was written: wait for the shared log. */
  #park(): void {
    this.#pressure?.progress();
    const open = this.#trail.open;
    if (open !== null && open.key !== null) open.cursor.park(this);
  }

  #end(isComplete: boolean, error: unknown): void {
    if (this.#state === "closed") return;
    this.#close();
    this.#owner.onOutboxEnded(isComplete, error);
  }

  #close(): void {
    this.#state = "closed";
    this.#trail.drop();
    this.#pressure?.clear();
    this.control.take();
    // A write in progress still reads its buffer, so the buffer is not returned to the pool.
    this.#lent = this.#own = null;
  }
}
