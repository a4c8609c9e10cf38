import { concat } from "@std/bytes";
import type { Broker } from "../../mod.ts";
import type { Transport } from "../../transport/mod.ts";
import * as packets from "../../tests/harness/packets.ts";

/** The number of concurrent clients. */
const AT_ONCE = 500;

/** A connection that sends prepared bytes, reads nothing, and ends when the broker closes it. */
class Monologue implements Transport {
  readonly closed: Promise<void>;
  readonly #bytes: Uint8Array;
  readonly #close: () => void;
  #said = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  read(target: Uint8Array): Promise<number | null> {
    const piece = this.#bytes.subarray(this.#said, this.#said + target.length);
    if (piece.length === 0) return this.closed.then(() => null);
    target.set(piece);
    this.#said += piece.length;
    return Promise.resolve(piece.length);
  }

  write(source: Uint8Array): Promise<number> {
    return Promise.resolve(source.length);
  }

  close(): void {
    this.#close();
  }
}

/**
 * Connects clients with durable sessions; each subscribes to topics with QoS 1, and disconnects.
 */
export async function leaveSessions(
  broker: Broker,
  count: number,
  topicsOf: (number: number) => readonly string[],
): Promise<void> {
  for (let first = 0; first < count; first += AT_ONCE) {
    const visits: Promise<void>[] = [];
    for (let i = first; i < Math.min(count, first + AT_ONCE); i++) {
      const visit = new Monologue(concat([
        packets.connect({ clientId: `away-${i}`, clean: false }),
        packets.subscribe(Object.fromEntries(topicsOf(i).map((topic) => [topic, 1]))),
        packets.disconnect(),
      ]));
      broker.accept(visit, { address: "bench" });
      visits.push(visit.closed);
    }
    await Promise.all(visits);
  }
}
