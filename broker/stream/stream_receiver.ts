/** The subscriber that appends publications to a stream. */
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import { refer } from "../../stream/refer.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import { type Message, messageBytes, type MessageStream } from "../base/message.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import { Rank, type Receiver } from "../delivery/subscriber.ts";
import { isExcluded, type StreamDeclaration } from "./stream_options.ts";

/** The broker, as a stream needs it to take publications. */
export interface StreamReceiverHost {
  /** Whether nothing can be stored now. */
  readonly isFull: boolean;
  /** A part of the current publication will be stored: so many bytes. */
  storing(bytes: number): void;
  /** A QoS 0 message could not be stored. */
  reportDrop(message: Message): void;
}

/**
 * A stream as a subscriber. Routes lead to it only for its topics, so messages to other topics cost
 * nothing.
 */
export class StreamReceiver implements Receiver, MessageStream {
  /** It is handed each message. */
  readonly follower = null;
  readonly isRestricted = false;
  readonly keepsMessages = false;
  readonly wireClass: number = WIRE_CLASS_OWN;
  readonly isDurable: boolean;
  readonly #host: StreamReceiverHost;
  readonly #log: StreamLog;
  readonly #declaration: StreamDeclaration;
  /** The last topic that was checked. The next message often has the same. */
  #topic: Uint8Array | null = null;
  #isExcluded = false;

  constructor(host: StreamReceiverHost, log: StreamLog, declaration: StreamDeclaration) {
    this.#host = host;
    this.#log = log;
    this.#declaration = declaration;
    this.isDurable = declaration.store === "disk";
  }

  receiveRun(run: PublishBatch): void {
    const { route, origin } = run;
    if (this.#excludes(route.bytes, route.topic)) return;
    if (this.#host.isFull) {
      for (const message of run.messages()) this.#skip(message);
      return;
    }
    const { buffer, start, end, v5 } = run;
    this.#log.appendRun({
      ...{ buffer, start, end, v5 },
      ...{ topic: route.bytes, publisher: origin.clientId },
    });
    this.#host.storing(run.payloadBytes + run.frames * messageBytes(route.byteLength, 0));
  }

  receive(message: Message): void {
    if (this.#excludes(message.topic, message.name)) return;
    if (message.qos === 0 && this.#host.isFull) return this.#skip(message);
    message.streamSeq = this.#log.append(message);
    message.stream = this;
    this.#host.storing(message.weight);
  }

  get streamId(): number {
    return this.#log.id;
  }

  refer(seq: number, chunkId: number): number {
    return this.isDurable ? refer(this.#log, seq, chunkId) : -1;
  }

  #excludes(topic: Uint8Array, name: string): boolean {
    if (topic !== this.#topic) {
      this.#topic = topic;
      this.#isExcluded = isExcluded(this.#declaration, name);
    }
    return this.#isExcluded;
  }

  #skip(message: Message): void {
    this.#log.skip();
    this.#host.reportDrop(message);
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
