/** Combines small frames during a write, so that they are one write. */
export class Gather {
  #filling: Uint8Array<ArrayBuffer>;
  #leaving: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** Creates two buffers of `bytes`, which grow if necessary. */
  constructor(bytes = 64) {
    this.#filling = new Uint8Array(bytes);
    this.#leaving = new Uint8Array(bytes);
  }

  /** Adds an acknowledgement of four bytes: success, in every version. */
  acknowledge(first: number, packetId: number): void {
    this.#reserve(4);
    const bytes = this.#filling;
    let at = this.#length;
    bytes[at++] = first;
    bytes[at++] = 2;
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 0xff;
    this.#length = at;
  }

  /** Adds a copy of `bytes`. */
  add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#filling.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Returns all gathered bytes, or null; valid until the next call. */
  take(): Uint8Array | null {
    if (this.#length === 0) return null;
    const bytes = this.#filling.subarray(0, this.#length);
    [this.#filling, this.#leaving] = [this.#leaving, this.#filling];
    this.#length = 0;
    return bytes;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#filling.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#filling.length * 2));
    grown.set(this.#filling.subarray(0, this.#length));
    this.#filling = grown;
  }
}

/** First bytes of acknowledgement packets. */
export const Ack = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;
