/** The rings of the connections that one node passes on to another one. */
import { closeRing, isRingOver, type RingBuffers } from "../../transport/ring/ring_buffers.ts";

/** So many rings are kept before those that are over are looked for. */
const LOOK_MIN = 64;

/**
 * The rings through which connections are passed on between two nodes. If the other node dies, the
 * ring alone does not tell: whoever has noticed it calls {@linkcode RelayRings.closeAll}.
 *
 * No thread is told when the other one is done with a ring. So those that are over are dropped when
 * their number has doubled.
 */
export class RelayRings {
  readonly #rings = new Set<RingBuffers>();
  #lookAt = LOOK_MIN;

  /** How many are kept. */
  get size(): number {
    return this.#rings.size;
  }

  /** Keeps a ring until it is over. */
  add(ring: RingBuffers): void {
    this.#rings.add(ring);
    if (this.#rings.size < this.#lookAt) return;
    for (const one of this.#rings) if (isRingOver(one)) this.#rings.delete(one);
    this.#lookAt = Math.max(LOOK_MIN, 2 * this.#rings.size);
  }

  /** Closes every ring: the connections that are passed on end. */
  closeAll(): void {
    for (const ring of this.#rings) closeRing(ring);
    this.#rings.clear();
  }
}
