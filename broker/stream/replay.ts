/** One subscription that reads a stream: its position, and what is not acknowledged. */
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import { parsePosition } from "../../stream/position.ts";
import { cursorAt } from "../../stream/resolve_position.ts";
import { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { ReplayRecord } from "../session/session_replays.ts";
import { isExpired, streamMessage, TopicPrefix } from "./stream_message.ts";

/** What a subscription that reads a stream asks for. */
export type ReplayRequest = Omit<
  ReplayRecord,
  "at" | "qos" | "identifier" | "noLocal" | "group" | "isExclusive"
>;

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
  readonly #prefix: TopicPrefix;

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
    this.#prefix = new TopicPrefix(request.prefix, request.mountBytes);
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
    const identifier = identifiers?.[0] ?? 0;
    return { ...request, qos, identifier, noLocal, at, group: "", isExclusive: false };
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
    if (isExpired(cursor.record, context)) return null;
    const { gap } = cursor;
    cursor.gap = null;
    const topic = this.#prefix.before(cursor.knownTopic);
    return streamMessage(cursor, topic, isMarked, gap, 1, context);
  }

  #wait(work: Promise<void>, context: BrokerContext): void {
    this.isWaiting = true;
    work.then(() => this.wake(), (error) => {
      // It stays where it is: a client that subscribes again, or comes again, has it tried again.
      context.reportError(error);
    });
  }
}
