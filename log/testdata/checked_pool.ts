import { assert } from "@std/assert";
import { BufferPool } from "../buffer_pool.ts";

/**
 * A pool that knows which of its buffers are taken, checks that none is taken or given back twice,
 * and spoils what is given back, so that whoever still reads it is found out.
 */
export class CheckedPool extends BufferPool {
  /** The buffers that somebody has. */
  readonly taken: Set<Uint8Array> = new Set();
  /** How many buffers had to be made. */
  made = 0;
  readonly #known = new Set<Uint8Array>();

  override take(bytes: number): Uint8Array<ArrayBuffer> {
    const buffer = super.take(bytes);
    assert(!this.taken.has(buffer), "Taken twice");
    this.taken.add(buffer);
    if (!this.#known.has(buffer)) this.made++;
    this.#known.add(buffer);
    return buffer;
  }

  override give(buffer: Uint8Array<ArrayBuffer>): void {
    // Whoever has a buffer of its own making may leave it to the pool.
    if (this.#known.has(buffer)) assert(this.taken.delete(buffer), "Given back twice");
    buffer.fill(0xee);
    super.give(buffer);
  }
}
