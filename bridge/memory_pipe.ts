/** A byte pipe in memory, by which a bridge is a client of its own broker. */
import { Receipt } from "../log/receipt.ts";
import type { Transport } from "../transport/transport.ts";

/** Bytes that wait in one direction before the writer must wait. */
const PIPE_BYTES_MAX = 65_536;

/** Makes a pipe. What is written to one end is read from the other one. */
export function memoryPipe(bytesMax: number = PIPE_BYTES_MAX): [near: Transport, far: Transport] {
  const there = new Way(bytesMax);
  const back = new Way(bytesMax);
  return [new End(back, there), new End(there, back)];
}

/** One direction. */
class Way {
  readonly #bytesMax: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #isBroken = false;
  #more: Receipt | null = null;
  #room: Receipt | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  async put(source: Uint8Array): Promise<number> {
    while (this.#bytes >= this.#bytesMax && !this.#isBroken) await (this.#room ??= new Receipt());
    if (this.#isBroken || this.#isEnded) throw new Error("The pipe is closed");
    const piece = source.slice(0, this.#bytesMax - this.#bytes);
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#wake();
    return piece.length;
  }

  async take(target: Uint8Array): Promise<number | null> {
    while (this.#bytes === 0 && !this.#isBroken && !this.#isEnded) {
      await (this.#more ??= new Receipt());
    }
    if (this.#isBroken) throw new Error("The pipe is closed");
    if (this.#bytes === 0) return null;
    let count = 0;
    while (count < target.length && this.#pieces.length > 0) {
      const piece = this.#pieces[0]!;
      const part = piece.subarray(0, target.length - count);
      target.set(part, count);
      count += part.length;
      if (part.length === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(part.length);
    }
    this.#bytes -= count;
    this.#room?.close();
    this.#room = null;
    return count;
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  break(): void {
    this.#isBroken = true;
    this.#pieces.length = 0;
    this.#bytes = 0;
    this.#wake();
    this.#room?.close();
    this.#room = null;
  }

  #wake(): void {
    this.#more?.close();
    this.#more = null;
  }
}

class End implements Transport {
  readonly #from: Way;
  readonly #to: Way;

  constructor(from: Way, to: Way) {
    this.#from = from;
    this.#to = to;
  }

  read(target: Uint8Array): Promise<number | null> {
    return this.#from.take(target);
  }

  write(source: Uint8Array): Promise<number> {
    return this.#to.put(source);
  }

  closeWrite(): Promise<void> {
    this.#to.end();
    return Promise.resolve();
  }

  close(): void {
    this.#to.end();
    this.#from.break();
  }
}
