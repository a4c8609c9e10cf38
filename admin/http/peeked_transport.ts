/**
 * Looks at the first bytes of a connection without taking them: whether it asks for a WebSocket.
 *
 * @module
 */
import type { Transport } from "../../transport/transport.ts";

/** The most bytes of a method and a path that are looked for. */
const PATH_BYTES_MAX = 64;

/** A transport of which the first bytes were read already; it gives them first. */
export class PeekedTransport implements Transport {
  readonly #transport: Transport;
  readonly #first = new Uint8Array(PATH_BYTES_MAX);
  #filled = 0;
  #given = 0;
  #isEnded = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Whether the first request is a GET of a path, with a query or without. It reads no further than
   * it must to know.
   */
  async isGet(path: string): Promise<boolean> {
    const wanted = new TextEncoder().encode(`GET ${path}`);
    while (this.#filled <= wanted.length) {
      const count = await this.#transport.read(this.#first.subarray(this.#filled));
      if (count === null) {
        this.#isEnded = true;
        return false;
      }
      this.#filled += count;
      const both = Math.min(this.#filled, wanted.length);
      for (let at = 0; at < both; at++) if (this.#first[at] !== wanted[at]) return false;
    }
    const next = String.fromCharCode(this.#first[wanted.length]!);
    return next === " " || next === "?";
  }

  read(target: Uint8Array): Promise<number | null> {
    const left = this.#filled - this.#given;
    if (left === 0) return this.#isEnded ? Promise.resolve(null) : this.#transport.read(target);
    const count = Math.min(left, target.length);
    target.set(this.#first.subarray(this.#given, this.#given + count));
    this.#given += count;
    return Promise.resolve(count);
  }

  write(source: Uint8Array): Promise<number> {
    return this.#transport.write(source);
  }

  async closeWrite(): Promise<void> {
    await this.#transport.closeWrite?.();
  }

  close(): void {
    this.#transport.close();
  }
}
