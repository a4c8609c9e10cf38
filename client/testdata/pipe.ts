import type { Transport } from "../../transport/transport.ts";

/** One direction: what is written can be read at once. */
class Way {
  readonly #pieces: Uint8Array[] = [];
  #isEnded = false;
  #error: Error | null = null;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  put(bytes: Uint8Array): void {
    if (this.#error !== null) throw this.#error;
    this.#pieces.push(bytes.slice());
    this.#notify();
  }

  async take(target: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        const count = Math.min(piece.length, target.length);
        target.set(piece.subarray(0, count));
        if (count < piece.length) this.#pieces.unshift(piece.subarray(count));
        return count;
      }
      if (this.#isEnded) return null;
      await this.#wake.promise;
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** A pipe in memory with two ends, and a way to break it. */
export interface Pipe {
  readonly near: Transport;
  readonly far: Transport;
  /** Fails all reads and writes of both ends. */
  cut(): void;
}

/** Makes a pipe in memory. */
export function newPipe(): Pipe {
  const there = new Way();
  const back = new Way();
  const cut = () => {
    const error = new Error("The pipe is cut");
    there.fail(error);
    back.fail(error);
  };
  return { near: endOf(back, there), far: endOf(there, back), cut };
}

function endOf(from: Way, to: Way): Transport {
  let isClosed = false;
  return {
    read: (target) => from.take(target),
    // deno-lint-ignore require-await
    async write(source) {
      to.put(source);
      return source.length;
    },
    // deno-lint-ignore require-await
    async closeWrite() {
      to.end();
    },
    close() {
      if (isClosed) throw new Error("Closed twice");
      isClosed = true;
      from.fail(new Error("This end is closed"));
      to.end();
    },
  };
}
