/** One subscription that reads a stream: its position, and its unacknowledged messages. */
import type { Variant } from "../../router/variant.ts";
import { parsePosition } from "../../stream/position.ts";
import { cursorAt } from "../../stream/resolve_position.ts";
import { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import type { StreamGap, StreamSource } from "./stream_place.ts";
import { isExpired, streamMessage, TopicPrefix } from "./stream_message.ts";

/** The request of a subscription that reads a stream. */
export type ReplayRequest = Omit<
  ReplayRecord,
  "at" | "until" | "lost" | "qos" | "identifier" | "noLocal" | "group" | "isExclusive"
>;

/** The options of such a subscription. */
export type ReplayOptions = Pick<ReplayRecord, "qos" | "identifier" | "noLocal">;

/**
 * One subscription that reads a stream: its position, and its unacknowledged messages. `isWaiting`
 * is set by `replays.ts` when it has nothing to send.
 */
export class Replay implements StreamWaiter {
  variant: Variant;
  noLocal: boolean;
  readonly request: ReplayRequest;
  /** Its position; `null` until the stream is declared. */
  cursor: StreamCursor | null;
  log: StreamLog | null;
  /** Whether it waits for the stream to grow, or for the disk. */
  isWaiting = false;
  /**
   * The sequences in flight with QoS 1, in ascending order, and the position from which each is read again:
   * that includes the gap before it, which it reports.
   */
  readonly inflight: Map<number, number> = new Map();
  /** Messages that were in flight when the broker ended, and are gone; `null` if all are told. */
  lost: StreamGap | null;
  readonly #wake: () => void;
  #at: number;
  /** Before this sequence only the last message of each topic is read; 0 for none. */
  #until: number;
  /** The prefix of each topic. */
  readonly #prefix: TopicPrefix;
  #source: StreamSource | null = null;

  /** @param wake Called when it may continue. */
  constructor(
    request: ReplayRequest,
    options: ReplayOptions & Pick<ReplayRecord, "at" | "until" | "lost">,
    log: StreamLog | null,
    cursor: StreamCursor | null,
    wake: () => void,
  ) {
    this.request = request;
    this.noLocal = options.noLocal;
    this.#prefix = new TopicPrefix(request.prefix, request.mountBytes);
    this.variant = variantOf(options);
    this.log = log;
    this.cursor = cursor;
    this.#at = options.at;
    this.lost = options.lost;
    this.#until = cursor === null ? options.until : untilOf(cursor);
    this.#wake = wake;
  }

  /** Changes the options. */
  change(options: ReplayOptions): void {
    this.variant = variantOf(options);
    this.noLocal = options.noLocal;
  }

  /** The first sequence that may be unacknowledged; 0 if unknown. */
  get resumeAt(): number {
    const { cursor } = this;
    if (cursor === null) return this.#at;
    for (const from of this.inflight.values()) return from;
    return cursor.gap?.from ?? cursor.at;
  }

  /** What is stored of it with each QoS 2 message in flight. */
  get source(): StreamSource {
    const { request: { key, stream, prefix, mountBytes }, log } = this;
    const known = this.#source;
    if (known?.streamId === log!.id) return known;
    return this.#source = { key, stream, streamId: log!.id, prefix, mountBytes };
  }

  /** Its record for the store. */
  get record(): ReplayRecord {
    const { request, variant: { qos, identifiers }, noLocal, lost, resumeAt: at } = this;
    const identifier = identifiers?.[0] ?? 0;
    const until = at < this.#until ? this.#until : 0;
    const progress = { at, until, lost };
    return { ...request, qos, identifier, noLocal, ...progress, group: "", isExclusive: false };
  }

  /** A message that was in flight when the broker ended is gone. */
  lose(seq: number): void {
    const { from, to } = this.lost ?? { from: seq, to: seq };
    this.lost = { from: Math.min(from, seq), to: Math.max(to, seq) };
  }

  /** The gap that the message at the cursor reports; `null` for none. */
  get gap(): StreamGap | null {
    const { lost } = this;
    const gap = this.cursor!.gap;
    if (lost === null || gap === null) return lost ?? gap;
    return { from: Math.min(lost.from, gap.from), to: Math.max(lost.to, gap.to) };
  }

  wake(): void {
    this.isWaiting = false;
    this.#wake();
  }

  /** Continues at its stored position, in a stream that is declared again. */
  begin(log: StreamLog, context: BrokerContext): void {
    this.log = log;
    const { filter, position } = this.request;
    const at = this.#at;
    const until = this.#until;
    if (at > 0 && until <= at) {
      this.cursor = new StreamCursor(log, Math.min(at, log.last + 1), filter);
      return;
    }
    this.#wait(
      (async () => {
        const text = position.replace(/^resume,?/, "") || "latest";
        const wanted = parsePosition(text, context.settings.wallClock());
        const topicsMax = context.limits.replayTopicsMax;
        const cursor = await cursorAt(log, wanted, {
          filter,
          topicsMax,
          ...(until > 0 ? { until } : {}),
        });
        if (until > 0) cursor.skipChosen(at);
        else this.#until = untilOf(cursor);
        this.cursor = cursor;
      })(),
      context,
    );
  }

  /** Loads the next chunk. */
  load(context: BrokerContext): void {
    this.#wait(this.cursor!.load(), context);
  }

  /** Its stream was removed. A new one of the same name is read from its start. */
  startOver(): void {
    this.cursor = this.log = null;
    this.#at = 1;
    this.#until = 0;
    this.lost = null;
    this.inflight.clear();
  }

  /** The topic of the message at the cursor, as the client receives it, in UTF-8. */
  get topic(): Uint8Array {
    return this.#prefix.before(this.cursor!.knownTopic).bytes;
  }

  /** The message at the cursor, as it is sent; `null` if it has expired. */
  message(isMarked: boolean, context: BrokerContext): Message | null {
    const cursor = this.cursor!;
    if (isExpired(cursor.record, context)) return null;
    const { gap } = this;
    cursor.gap = this.lost = null;
    const topic = this.#prefix.before(cursor.knownTopic);
    return streamMessage(cursor, topic, isMarked, gap, 1, context);
  }

  #wait(work: Promise<void>, context: BrokerContext): void {
    this.isWaiting = true;
    work.then(() => this.wake(), (error) => {
      // The position does not change. It is tried again when the client subscribes again or
      // reconnects.
      context.reportError(error);
    });
  }
}

function variantOf({ qos, identifier }: ReplayOptions): Variant {
  return {
    qos,
    identifiers: identifier === 0 ? null : [identifier],
    retainAsPublished: false,
    retained: false,
    shared: null,
  };
}

function untilOf({ chosen, following }: StreamCursor): number {
  return chosen === null ? 0 : following;
}
