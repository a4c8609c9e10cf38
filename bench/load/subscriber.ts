import { type FixedHeader, PacketType } from "../../codec/mod.ts";
import { Arrival } from "./frames.ts";
import { Ack, Gather } from "./gather.ts";
import type { Ledger, Tally } from "./ledger.ts";
import type { Role } from "./link.ts";

/** All roles run in one thread, and each is done with an arrival before the next. */
const arrival = new Arrival();

/** Receives, acknowledges, and keeps a ledger for each stream it listens to. */
export class Subscriber implements Role {
  /** Messages that came for the first time. */
  delivered = 0;
  protected readonly replies: Gather = new Gather();
  readonly #protocol: number;
  readonly #tally: Tally;
  readonly #ledgers: (Ledger | undefined)[];

  /**
   * Listens to `streams`.
   *
   * @param shared The ledger to use where several subscribers get a stream between them.
   */
  constructor(protocol: number, tally: Tally, streams: readonly number[], shared?: Ledger) {
    this.#protocol = protocol;
    this.#tally = tally;
    this.#ledgers = [];
    for (const stream of streams) this.#ledgers[stream] = shared ?? tally.open();
  }

  /** Queues bytes to be written; the connection has to be woken. */
  send(bytes: Uint8Array): void {
    this.replies.add(bytes);
  }

  /** A frame has come. */
  frame(buffer: Uint8Array, header: FixedHeader): void {
    const type = header.first >> 4;
    if (type === PacketType.publish) {
      this.#publish(buffer, header);
    } else if (type === PacketType.pubrel) {
      const at = header.bodyStart;
      this.replies.acknowledge(Ack.pubcomp, buffer[at]! << 8 | buffer[at + 1]!);
    } else {
      this.other(buffer, header);
    }
  }

  /** The next bytes to write. */
  take(): Uint8Array | null {
    return this.replies.take();
  }

  /** The broker has hung up. */
  lost(error: Error): void {
    this.#tally.fail(error);
  }

  /** A frame has come that is neither a message nor part of its handshake. */
  protected other(_buffer: Uint8Array, _header: FixedHeader): void {}

  /** A new message has come. */
  protected arrived(_arrival: Arrival): void {}

  #publish(buffer: Uint8Array, header: FixedHeader): void {
    arrival.read(this.#protocol, buffer, header);
    if (arrival.qos === 1) this.replies.acknowledge(Ack.puback, arrival.packetId);
    else if (arrival.qos === 2) this.replies.acknowledge(Ack.pubrec, arrival.packetId);
    const ledger = this.#ledgers[arrival.stream];
    if (ledger === undefined) {
      this.#tally.foreign++;
    } else if (ledger.enter(arrival.sequence)) {
      this.delivered++;
      this.arrived(arrival);
      this.#tally.count();
    }
  }
}
