/**
 * A ring in shared memory as a transport: a byte pipe between two threads of one process.
 *
 * One thread makes the ring and posts it to the two that use it. Each of them opens one side:
 *
 *     const ring = makeRing({ capacityBytes: 1 << 20 });
 *     worker.postMessage({ ring });              // in the worker: ringTransport(ring, 1)
 *     const transport = ringTransport(ring, 0);
 *
 * Each direction is a ring of bytes with one writer and one reader. A write copies what there is
 * room for into it, at once; the rest follows when the other side has read. A reader that has
 * nothing to read polls for some turns of its runtime and then parks; only then, a write has to
 * wake it. So threads that are busy do not wake each other at all. A side reads 64 KiB at most in a
 * turn of its runtime, so that everything else in its thread has its turns, too.
 *
 * A side that is closed, or that writes no more, lets the other side read everything that was
 * written. A worker that dies cannot do that. Whoever notices it calls `closeRing`: the other side
 * reads what is left, and then its pipe ends with a {@linkcode RingBrokenError}. A ring cannot be
 * used again after that.
 *
 * An open ring keeps the event loop of its thread alive, like a socket. It owns no descriptors.
 *
 * @module
 */
import { PushedTransport } from "../pushed_transport.ts";
import type { Transport } from "../transport.ts";
import type { RingBuffers, RingSide } from "./ring_buffers.ts";
import { threadRings } from "./ring_loop.ts";
import { RingPipe } from "./ring_pipe.ts";
import type { RingSet } from "./ring_set.ts";

/**
 * Opens a side of a ring. No other thread may use this side, and it is opened once.
 *
 * @param rings What polls it; by default the rings of this thread in the event loop of the runtime.
 */
export function ringTransport(
  buffers: RingBuffers,
  side: RingSide,
  rings: RingSet = threadRings(),
): Transport {
  return new RingTransport(buffers, side, rings);
}

class RingTransport extends PushedTransport<RingPipe> {
  constructor(buffers: RingBuffers, side: RingSide, rings: RingSet) {
    super((receiver) => new RingPipe(buffers, side, receiver, rings));
  }

  protected override closedError(): Error {
    return new Error("The ring is closed");
  }
}
