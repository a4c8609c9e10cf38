import type { FixedHeader } from "../../codec/mod.ts";
import type { FrameBatch } from "./frames.ts";
import { Ack, Gather } from "./gather.ts";
import type { Tally } from "./ledger.ts";
import type { Link, Role } from "./link.ts";
import type { Traffic } from "./target.ts";

/** Settings of a {@linkcode Publisher}. */
export interface PublisherOptions {
  readonly batch: FrameBatch;
  readonly traffic: Traffic;
  readonly messages: number;
  readonly tally: Tally;
  /** The number of messages that may be sent by now; unlimited if missing. */
  readonly mayHaveSent?: () => number;
  /** Called when the last message was acknowledged, or with QoS 0 written. */
  readonly finished?: () => void;
}

/** Publishes one stream as fast as possible: a batch, and after its write the next one. */
export class Publisher implements Role {
  /** Messages that were written. */
  sent = 0;
  /** Messages whose acknowledgement is complete. */
  acknowledged = 0;
  readonly #link: Link;
  readonly #options: PublisherOptions;
  readonly #window: number;
  readonly #acks = new Gather();
  #isReleased = false;
  #isFinished = false;

  /** Takes over a connection. Call `release` to start. */
  constructor(link: Link, options: PublisherOptions) {
    this.#link = link;
    this.#options = options;
    const { qos, window } = options.traffic;
    this.#window = qos === 0 ? Infinity : Math.min(window, link.receiveMaximum, 65_000);
  }

  /** Starts to publish, or continues after a wait. */
  release(): void {
    this.#isReleased = true;
    this.#link.wake();
  }

  /** Handles an acknowledgement. */
  frame(buffer: Uint8Array, { first, bodyStart, end }: FixedHeader): void {
    const type = first & 0xf0;
    if (type !== Ack.puback && type !== Ack.pubrec && type !== Ack.pubcomp) return;
    const packetId = buffer[bodyStart]! << 8 | buffer[bodyStart + 1]!;
    const isRefused = end - bodyStart > 2 && buffer[bodyStart + 2]! >= 0x80;
    if (isRefused) this.#options.tally.refused++;
    if (type === Ack.pubrec && !isRefused) this.#acks.acknowledge(Ack.pubrel, packetId);
    else this.acknowledged++;
  }

  /** The next bytes to write. */
  take(): Uint8Array | null {
    const { batch, traffic, messages } = this.#options;
    const acks = this.#acks.take();
    if (acks !== null) return acks;
    if (!this.#isReleased) return null;
    const allowed = this.#options.mayHaveSent?.() ?? messages;
    const count = Math.min(
      batch.frames,
      Math.min(messages, allowed) - this.sent,
      this.#window - (this.sent - this.acknowledged),
    );
    if (count > 0) {
      const bytes = batch.fill(this.sent, count, performance.now());
      this.sent += count;
      return bytes;
    }
    if ((traffic.qos === 0 ? this.sent : this.acknowledged) === messages) this.#finish();
    return null;
  }

  /** The broker has closed the connection. */
  lost(error: Error): void {
    this.#options.tally.fail(error);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#options.finished?.();
  }
}
