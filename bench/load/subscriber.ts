import { type FixedHeader, PacketType } from "../../codec/mod.ts";
import { Arrival } from "./frames.ts";
import { Ack, Gather } from "./gather.ts";
import type { Ledger, Tally } from "./ledger.ts";
import type { Role } from "./link.ts";

/** Shared, because all roles run in one thread and finish with an arrival before the next one. */
const arrival = new Arrival();

/** Receives, acknowledges, and keeps a ledger for each of its streams. */
export class Subscriber implements Role {
  /** Messages that arrived for the first time. */
  delivered = 0;
  protected readonly replies: Gather = new Gather();
  readonly #protocol: number;
  readonly #tally: Tally;
  readonly #ledgers: (Ledger | undefined)[];

  /**
   * Subscribes to `streams`.
   *
   * @param shared The common ledger, if several subscribers share a stream.
   */
  constructor(protocol: number, tally: Tally, streams: readonly number[], shared?: Ledger) {
    this.#protocol = protocol;
    this.#tally = tally;
    this.#ledgers = [];
    for (const stream of streams) this.#ledgers[stream] = shared ?? tally.open();
  }

  /** Queues bytes for writing. The caller must wake the connection. */
  send(bytes: Uint8Array): void {
    this.replies.add(bytes);
  }

  /** Handles a frame. */
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

  /** The broker has closed the connection. */
  lost(error: Error): void {
    this.#tally.fail(error);
  }

  /** Handles a frame that is neither a message nor part of its acknowledgement. */
  protected other(_buffer: Uint8Array, _header: FixedHeader): void {}

  /** Handles a new message. */
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
