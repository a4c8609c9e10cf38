/** The subscriber that appends publications to a stream. */
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { Message } from "../base/message.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import { Rank, type Receiver } from "../delivery/subscriber.ts";
import { isExcluded, type StreamDeclaration } from "./stream_options.ts";

/** What a stream needs of the broker to take what is published. */
export interface StreamReceiverHost {
  /** Whether nothing can be stored at the moment. */
  readonly isFull: boolean;
  /** Something of what is published now is to be stored: so many bytes. */
  storing(bytes: number): void;
  /** A QoS 0 message could not be stored. */
  reportDrop(message: Message): void;
}

/**
 * A stream as a subscriber: the routes know which topics it has, so what goes to other topics costs
 * nothing.
 */
export class StreamReceiver implements Receiver {
  /** It is handed everything itself. */
  readonly follower = null;
  readonly isRestricted = false;
  readonly keepsMessages = false;
  readonly wireClass: number = WIRE_CLASS_OWN;
  readonly isDurable: boolean;
  readonly #host: StreamReceiverHost;
  readonly #log: StreamLog;
  readonly #declaration: StreamDeclaration;
  /** The last topic that was asked about: the next message is often of the same. */
  #topic: Uint8Array | null = null;
  #isExcluded = false;

  constructor(host: StreamReceiverHost, log: StreamLog, declaration: StreamDeclaration) {
    this.#host = host;
    this.#log = log;
    this.#declaration = declaration;
    this.isDurable = declaration.store === "disk";
  }

  receiveRun(run: PublishBatch): void {
    for (const message of run.messages()) this.receive(message);
  }

  receive(message: Message): void {
    if (message.topic !== this.#topic) {
      this.#topic = message.topic;
      this.#isExcluded = isExcluded(this.#declaration, message.name);
    }
    if (this.#isExcluded) return;
    if (message.qos === 0 && this.#host.isFull) {
      this.#log.skip();
      return this.#host.reportDrop(message);
    }
    this.#log.append(message);
    this.#host.storing(message.weight);
  }

  isOrigin(): boolean {
    return false;
  }

  mayReceive(): boolean {
    return true;
  }

  rank(): number {
    return Rank.ready;
  }

  isFull(): boolean {
    return false;
  }
}
