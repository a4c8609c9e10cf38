import type { PipeReceiver } from "../../pipe.ts";
import { makeRing, type RingBuffers, type RingSide } from "../ring_buffers.ts";
import { RingPipe } from "../ring_pipe.ts";
import { type RingDriver, RingSet } from "../ring_set.ts";

/** Both sides of a ring in one thread. A test says which side is polled, and when it parks. */
export class RingWorld {
  readonly buffers: RingBuffers;
  readonly sides: readonly [WorldSide, WorldSide];

  constructor(capacityBytes = 64) {
    this.buffers = makeRing({ capacityBytes });
    this.sides = [new WorldSide(this.buffers, 0), new WorldSide(this.buffers, 1)];
  }

  /** Polls both sides until nothing comes any more, and lets promises settle. */
  async settle(): Promise<void> {
    do await Promise.resolve(); while (this.sides.map((side) => side.poll()).includes(true));
  }

  /** Closes both sides. */
  close(): void {
    for (const { pipe } of this.sides) pipe.close();
  }
}

/** A side of the ring, with what it was told. */
export class WorldSide implements RingDriver {
  readonly rings: RingSet;
  readonly receiver = new RingReceiver();
  readonly pipe: RingPipe;
  readonly errors: unknown[] = [];
  /** How often something was wanted while it was parked. */
  wanted = 0;
  /** How often it was woken while it was parked. */
  rung = 0;
  #onRung: () => void = () => {};

  constructor(buffers: RingBuffers, side: RingSide) {
    this.rings = new RingSet(this, (error) => this.errors.push(error));
    this.pipe = this.receiver.pipe = new RingPipe(buffers, side, this.receiver, this.rings);
    this.pipe.start();
  }

  poll(): boolean {
    this.rings.unpark();
    return this.rings.poll();
  }

  park(): boolean {
    return this.rings.park();
  }

  /** Resolves when it is woken. */
  nextRing(): Promise<void> {
    return new Promise((resolve) => this.#onRung = resolve);
  }

  now(): number {
    return 0;
  }

  onSize(): void {}

  onWanted(): void {
    this.wanted++;
  }

  onRung(): void {
    this.rung++;
    this.#onRung();
  }
}

/** Takes what it is told into its own buffer, and closes its pipe when it has ended. */
export class RingReceiver implements PipeReceiver {
  pipe: RingPipe | null = null;
  readonly events: string[] = [];
  /** Everything that was received. */
  readonly bytes: number[] = [];
  /** A buffer of its own to read into; `null` for the shared one. */
  own: Uint8Array<ArrayBuffer> | null = null;
  /** Called after each receipt. */
  afterRead: () => void = () => {};
  /** Called after each part of a write. */
  afterWrite: (bytes: number) => void = () => {};
  #target: Uint8Array = new Uint8Array(0);

  target(shared: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#target = this.own ?? shared;
    return this.own ?? shared;
  }

  onReceived(bytes: number): void {
    this.events.push(`received ${bytes}`);
    for (const byte of this.#target.subarray(0, bytes)) this.bytes.push(byte);
    this.afterRead();
  }

  onEnded(error: unknown): void {
    this.events.push(`ended ${nameOf(error)}`);
    this.pipe?.close();
  }

  onWritten(bytes: number): void {
    this.events.push(`written ${bytes}`);
    this.afterWrite(bytes);
  }

  onWriteFailed(error: unknown): void {
    this.events.push(`write failed ${nameOf(error)}`);
  }
}

function nameOf(error: unknown): string {
  return error === null ? "well" : (error as Error).name;
}
