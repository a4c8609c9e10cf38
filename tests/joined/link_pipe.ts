/** Two ends of a pipe in memory that needs no time, and that holds a limited number of bytes. */
import type { Transport } from "../../transport/transport.ts";

/** As much as a ring of a server holds in one direction. */
const CAPACITY_BYTES = 2 ** 20;

/** Makes a pipe; gives its two ends. */
export function linkPipes(): [Transport, Transport] {
  const [there, back] = [new Direction(), new Direction()];
  return [endOf(back, there), endOf(there, back)];
}

function endOf(incoming: Direction, outgoing: Direction): Transport {
  return {
    read: (target) => incoming.read(target),
    write: (source) => outgoing.write(source),
    close() {
      incoming.isClosed = outgoing.isClosed = true;
      incoming.wake();
      outgoing.wake();
    },
  };
}

class Direction {
  isClosed = false;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #changed = Promise.withResolvers<void>();

  async read(target: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0 && !this.isClosed) await this.#changed.promise;
    const piece = this.#pieces.shift();
    if (piece === undefined) return null;
    const count = Math.min(piece.length, target.length);
    target.set(piece.subarray(0, count));
    if (count < piece.length) this.#pieces.unshift(piece.subarray(count));
    this.#bytes -= count;
    this.wake();
    return count;
  }

  async write(source: Uint8Array): Promise<number> {
    while (this.#bytes >= CAPACITY_BYTES && !this.isClosed) await this.#changed.promise;
    if (this.isClosed) throw new Error("The link is closed");
    const piece = source.slice(0, CAPACITY_BYTES - this.#bytes);
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.wake();
    return piece.length;
  }

  /** Has whoever waits look again. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
