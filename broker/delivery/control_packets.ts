/** Control packets that wait to be written to one connection. */
import { Receipt } from "../../log/receipt.ts";
import type { OutboxHost } from "./outbox_host.ts";

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The encoded packets, one behind the other, in a buffer of the pool. */
export class ControlPackets {
  readonly #pool: OutboxHost["pool"];
  /** The buffer; a packet is written to it at the offset that was reserved. */
  buffer: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** How many of its bytes are packets. */
  bytes = 0;
  /** Closes when the packets that wait now are being written. */
  #taken: Receipt | null = null;

  constructor(pool: OutboxHost["pool"]) {
    this.#pool = pool;
  }

  /** Reserves room for one packet. Returns its offset in {@linkcode buffer}. */
  reserve(bytes: number): number {
    const offset = this.bytes;
    const needed = offset + bytes;
    if (this.buffer.length < needed) this.#grow(needed);
    this.bytes = needed;
    return offset;
  }

  /** Resolves when the packets that wait now are being written, or never will be. */
  whenTaken(): Promise<void> {
    return (this.#taken ??= new Receipt()).wait();
  }

  /** Drops the packets, and keeps the buffer for others. */
  discard(): void {
    this.bytes = 0;
  }

  /** Takes the buffer away. Who does it returns the buffer to the pool. */
  take(): Uint8Array<ArrayBuffer> {
    const { buffer } = this;
    this.buffer = NO_BYTES;
    this.bytes = 0;
    this.#taken?.close();
    this.#taken = null;
    return buffer;
  }

  #grow(needed: number): void {
    const larger = this.#pool.take(Math.max(needed, this.buffer.length * 2));
    if (this.bytes > 0) larger.set(this.buffer.subarray(0, this.bytes));
    this.#pool.give(this.buffer);
    this.buffer = larger;
  }
}
