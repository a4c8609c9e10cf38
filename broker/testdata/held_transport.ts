import { assert, assertEquals } from "@std/assert";
import type { Transport } from "../../transport/transport.ts";

/**
 * A transport whose writes end when a test says so. It checks that there is never more than one in
 * flight, and that nobody changes its bytes meanwhile.
 */
export class HeldTransport implements Transport {
  /** What was written, write by write. */
  readonly writes: Uint8Array[] = [];
  /** Writes that were started. */
  started = 0;
  #source: Uint8Array | null = null;
  #copy: Uint8Array = new Uint8Array(0);
  #pending: PromiseWithResolvers<number> | null = null;

  /** How many bytes are in flight. */
  get inFlight(): number {
    return this.#source?.length ?? 0;
  }

  write(source: Uint8Array): Promise<number> {
    assert(this.#source === null, "Two writes are in flight");
    assert(source.length > 0, "Nothing is written");
    this.started++;
    this.#source = source;
    this.#copy = source.slice();
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  /** Ends the write in flight after `bytes` bytes, or all of them; returns them. */
  take(bytes = this.inFlight): Uint8Array {
    assertEquals(this.#source, this.#copy, "The bytes were changed in flight");
    const taken = this.#copy.subarray(0, bytes);
    this.writes.push(taken);
    this.#source = null;
    this.#pending!.resolve(taken.length);
    return taken;
  }

  /** Has the write in flight fail. */
  fail(error: Error): void {
    this.#source = null;
    this.#pending!.reject(error);
  }

  read(): Promise<number | null> {
    return Promise.resolve(null);
  }

  close(): void {}
}
