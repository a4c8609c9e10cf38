import { CheckedPool } from "../../log/testdata/checked_pool.ts";
import { frame, frameNumbers } from "../../log/testdata/frames.ts";
import type { ByteLog } from "../../log/byte_log.ts";
import type { Receipt } from "../../log/receipt.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { checkLimits } from "../base/check_limits.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Outbox } from "../delivery/outbox.ts";
import type { HostedOutbox, OutboxHost, OutboxOwner } from "../delivery/outbox_host.ts";
import { Scheduler } from "../base/scheduler.ts";
import type { PipeReceiver } from "../../transport/pipe.ts";
import { PulledPipe } from "../../transport/pulled_pipe.ts";
import { HeldTransport } from "./held_transport.ts";

/** Everything around one outbox: its host, its owner and its transport. */
export class OutboxWorld implements OutboxHost, OutboxOwner, PipeReceiver {
  /** How many writes have begun. */
  writes = 0;
  readonly limits: BrokerLimits;
  readonly clock: VirtualClock = new VirtualClock();
  readonly scheduler: Scheduler = new Scheduler(this.clock);
  readonly pool: CheckedPool = new CheckedPool();
  readonly transport: HeldTransport = new HeldTransport();
  readonly pipe: { write(source: Uint8Array): number } = new PulledPipe(this.transport, this);
  readonly outbox: Outbox;
  /** Frames that were given to the network. */
  left = 0;
  /** Frames that were skipped. */
  lost = 0;
  /** How often the outbox asked for more. */
  pumps = 0;
  /** Bytes that have left. */
  sentBytes = 0;
  /** What publishers were told to wait for. */
  readonly rooms: Receipt[] = [];
  /** How the outbox has ended, each time it said so. */
  readonly ends: { isComplete: boolean; error: unknown }[] = [];
  #toFlush: HostedOutbox[] = [];

  constructor(limits: Partial<BrokerLimits> = {}) {
    this.limits = checkLimits(limits);
    this.outbox = new Outbox(this.pipe, this, this);
  }

  flushLater(outbox: HostedOutbox): void {
    outbox.listed = true;
    this.#toFlush.push(outbox);
  }

  lagMax(): number {
    return this.limits.lagBytesMax;
  }

  needRoom(room: Receipt): void {
    this.rooms.push(room);
  }

  reportError(error: unknown): void {
    throw error;
  }

  countSent(frames: number): void {
    this.left += frames;
  }

  onWriteStart(): void {
    this.writes++;
  }

  countLagged(frames: number): void {
    this.lost += frames;
  }

  pump(): void {
    this.pumps++;
  }

  target(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(1);
  }

  onReceived(): void {}

  onEnded(): void {}

  onWritten(bytes: number): void {
    this.outbox.onWritten(bytes);
  }

  onWriteFailed(error: unknown): void {
    this.outbox.onWriteFailed(error);
  }

  onSent(bytes: number): void {
    this.sentBytes += bytes;
  }

  onOutboxEnded(isComplete: boolean, error: unknown): void {
    this.ends.push({ isComplete, error });
  }

  /** Ends a turn: what gathered is written, and promises settle. */
  async turn(): Promise<void> {
    for (const outbox of this.#toFlush.splice(0)) {
      outbox.listed = false;
      outbox.flush();
    }
    await this.clock.settle();
  }

  /** Ends the write in flight, whole; returns the numbers of its frames. */
  async take(): Promise<number[]> {
    const numbers = frameNumbers(this.transport.take());
    await this.turn();
    return numbers;
  }

  /** Takes everything that is and gets written; returns the numbers of its frames. */
  async takeAll(): Promise<number[]> {
    await this.turn();
    const numbers: number[] = [];
    while (this.transport.inFlight > 0) numbers.push(...await this.take());
    return numbers;
  }

  /** Takes everything that is and gets written, and does not look at it. */
  async drain(): Promise<void> {
    await this.turn();
    while (this.transport.inFlight > 0) {
      this.transport.take();
      await this.turn();
      // The rest of a large frame is written in another turn.
      await this.turn();
    }
  }

  /** Appends a control packet. */
  control(number: number, bytes = 10): void {
    const offset = this.outbox.reserveControl(bytes);
    this.outbox.control.buffer.set(frame(number, bytes), offset);
  }

  /** Appends a frame for this connection alone that may not be skipped. */
  sure(number: number, bytes = 10): void {
    const offset = this.outbox.reserve(bytes, true);
    this.outbox.buffer.set(frame(number, bytes), offset);
    this.outbox.commit(bytes);
  }

  /** Appends a frame for this connection alone, of which only `headBytes` bytes are copied. */
  split(number: number, bytes: number, headBytes: number, sure: boolean): void {
    const whole = frame(number, bytes);
    const offset = this.outbox.reserve(headBytes, sure);
    this.outbox.buffer.set(whole.subarray(0, headBytes), offset);
    this.outbox.commitSplit(headBytes, whole.subarray(headBytes));
  }

  /** Appends a frame for this connection alone that may be skipped. */
  loose(number: number, bytes = 10): void {
    this.outbox.append(frame(number, bytes), 0, bytes, 1);
  }
}

/** Appends a frame to a log that is shared, of which only `headBytes` bytes are copied. */
export function appendSplit(log: ByteLog, number: number, bytes: number, headBytes: number): void {
  const whole = frame(number, bytes);
  const offset = log.reserve(headBytes);
  log.buffer.set(whole.subarray(0, headBytes), offset);
  log.commitSplit(headBytes, whole.subarray(headBytes));
}

/** Appends a frame to a log that is shared. */
export function append(log: ByteLog, number: number, bytes = 10): void {
  log.append(frame(number, bytes), 0, bytes, 1);
}
