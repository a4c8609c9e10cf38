import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import { parsePosition } from "../../stream/position.ts";
import { cursorAt } from "../../stream/resolve_position.ts";
import { type KnownTopic, StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import type { BrokerContext } from "../base/context.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import { withMarks } from "./marks.ts";

const encoder = new TextEncoder();

/** What a subscription that reads a stream asks for. */
export type ReplayRequest = Omit<ReplayRecord, "at" | "qos" | "identifier" | "noLocal">;

/** A topic as the client is sent it. */
interface SentTopic {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One subscription that reads a stream: a position, and what was not acknowledged yet. */
export class Replay implements StreamWaiter {
  readonly variant: Variant;
  readonly noLocal: boolean;
  readonly request: ReplayRequest;
  /** Its position; `null` until the stream is there. */
  cursor: StreamCursor | null;
  log: StreamLog | null;
  /** Whether it waits: for the stream to grow, or for the disk. */
  isWaiting = false;
  /** The sequences that are in flight, the lowest first. */
  readonly inflight: Set<number> = new Set();
  readonly #wake: () => void;
  #at: number;
  /** What is put before each topic. */
  readonly #prefix: Uint8Array;

  /** @param wake Told when it may go on. */
  constructor(
    request: ReplayRequest,
    options: { qos: QoS; identifier: number; noLocal: boolean; at: number },
    log: StreamLog | null,
    cursor: StreamCursor | null,
    wake: () => void,
  ) {
    const { qos, identifier, noLocal, at } = options;
    this.request = request;
    this.noLocal = noLocal;
    this.#prefix = encoder.encode(request.prefix);
    this.variant = {
      qos,
      identifiers: identifier === 0 ? null : [identifier],
      retainAsPublished: false,
      retained: false,
      shared: null,
    };
    this.log = log;
    this.cursor = cursor;
    this.#at = at;
    this.#wake = wake;
  }

  /** The sequence from which on not everything was acknowledged; 0 if that is not known. */
  get resumeAt(): number {
    const { cursor } = this;
    if (cursor === null) return this.#at;
    // The last messages of each topic are sent again from the first of them.
    if (cursor.chosen !== null) return 0;
    for (const seq of this.inflight) return seq;
    return cursor.at;
  }

  /** What is stored of it. */
  get record(): ReplayRecord {
    const { request, variant: { qos, identifiers }, noLocal, resumeAt: at } = this;
    return { ...request, qos, identifier: identifiers?.[0] ?? 0, noLocal, at };
  }

  wake(): void {
    this.isWaiting = false;
    this.#wake();
  }

  /** Goes on from where it was left, in a stream that is there again. */
  begin(log: StreamLog, context: BrokerContext): void {
    this.log = log;
    const { filter, position } = this.request;
    if (this.#at > 0) {
      this.cursor = new StreamCursor(log, Math.min(this.#at, log.last + 1), filter);
      return;
    }
    this.#wait(
      (async () => {
        const text = position.replace(/^resume,?/, "") || "latest";
        const wanted = parsePosition(text, context.settings.wallClock());
        const topicsMax = context.limits.replayTopicsMax;
        this.cursor = await cursorAt(log, wanted, { filter, topicsMax });
      })(),
      context,
    );
  }

  /** Has the next chunk read. */
  load(context: BrokerContext): void {
    this.#wait(this.cursor!.load(), context);
  }

  /** Its stream was removed: one of the same name is read from its start. */
  lose(): void {
    this.cursor = this.log = null;
    this.#at = 1;
    this.inflight.clear();
  }

  /** The message that the cursor has found, as it is sent; `null` if it has expired. */
  message(isMarked: boolean, context: BrokerContext): Message | null {
    const cursor = this.cursor!;
    const { record } = cursor;
    const { expirySeconds, timeMs } = record;
    const receivedMs = expirySeconds < 0 ? 0 : context.calendar.toClock(timeMs);
    if (expirySeconds >= 0 && receivedMs + expirySeconds * 1000 <= context.clock.now()) return null;
    const topic = this.#topicOf(cursor);
    const { gap } = cursor;
    cursor.gap = null;
    const marked = isMarked ? withMarks(record, cursor.seq, gap) : null;
    return new Message(
      topic.name,
      topic.bytes,
      marked?.buffer ?? record.bytes,
      marked === null ? record.propertiesStart : 0,
      marked?.propertiesEnd ?? record.propertiesEnd,
      marked?.propertiesEnd ?? record.payloadStart,
      marked?.buffer.length ?? record.payloadEnd,
      record.qos as QoS,
      false,
      expirySeconds,
      receivedMs,
      Origin.unknown,
    );
  }

  /** The topic that the client is sent: below what it has subscribed to. */
  #topicOf({ knownTopic }: StreamCursor): SentTopic {
    const head = this.#prefix;
    if (head.length === 0) return knownTopic;
    return (knownTopic.tag as SentTopic | null) ?? this.#prefixed(knownTopic);
  }

  #prefixed(topic: KnownTopic): SentTopic {
    const { prefix, mountBytes } = this.request;
    const bytes = new Uint8Array(topic.bytes.length + this.#prefix.length);
    // What is taken off in the end stays in front.
    bytes.set(topic.bytes.subarray(0, mountBytes));
    bytes.set(this.#prefix, mountBytes);
    bytes.set(topic.bytes.subarray(mountBytes), mountBytes + this.#prefix.length);
    const sent = { name: prefix + topic.name, bytes };
    topic.tag = sent;
    return sent;
  }

  #wait(work: Promise<void>, context: BrokerContext): void {
    this.isWaiting = true;
    work.then(() => this.wake(), (error) => {
      // It stays where it is: a client that subscribes again, or comes again, has it tried again.
      context.reportError(error);
    });
  }
}
