import type { FixedHeader } from "../../codec/mod.ts";
import type { FrameBatch } from "./frames.ts";
import { Ack, Gather } from "./gather.ts";
import type { Tally } from "./ledger.ts";
import type { Link, Role } from "./link.ts";
import type { Traffic } from "./target.ts";

/** What a {@linkcode Publisher} is to do. */
export interface PublisherOptions {
  readonly batch: FrameBatch;
  readonly traffic: Traffic;
  readonly messages: number;
  readonly tally: Tally;
  /** How many messages may have been sent by now; all of them if not given. */
  readonly mayHaveSent?: () => number;
  /** Called when the last message has been acknowledged, or with QoS 0 handed over. */
  readonly finished?: () => void;
}

/** Publishes one stream as fast as it goes: a batch, and when that has left the next one. */
export class Publisher implements Role {
  /** Messages that were handed over. */
  sent = 0;
  /** Messages whose handshake is complete. */
  acknowledged = 0;
  readonly #link: Link;
  readonly #options: PublisherOptions;
  readonly #window: number;
  readonly #acks = new Gather();
  #isReleased = false;
  #isFinished = false;

  /** Takes a connection over. It publishes when it is released. */
  constructor(link: Link, options: PublisherOptions) {
    this.#link = link;
    this.#options = options;
    const { qos, window } = options.traffic;
    this.#window = qos === 0 ? Infinity : Math.min(window, link.receiveMaximum, 65_000);
  }

  /** Begins to publish, or continues if it waits for something. */
  release(): void {
    this.#isReleased = true;
    this.#link.wake();
  }

  /** An acknowledgement has come. */
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

  /** The broker has hung up. */
  lost(error: Error): void {
    this.#options.tally.fail(error);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#options.finished?.();
  }
}
