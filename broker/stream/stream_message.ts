/** Makes the message that a client receives from a record of a stream. */
import type { QoS } from "../../codec/mod.ts";
import type { RecordView } from "../../stream/record.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { KnownTopic } from "../../stream/topic_memo.ts";
import type { BrokerContext } from "../base/context.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { withMarks } from "./marks.ts";

const encoder = new TextEncoder();

/** A topic, as the client receives it. */
export interface SentTopic {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The prefix of the topics of one subscription, such as `$replay/…/`. */
export class TopicPrefix {
  readonly #text: string;
  readonly #bytes: Uint8Array;
  readonly #mountBytes: number;

  /** @param mountBytes Bytes of the mount point, which stays in front of the prefix. */
  constructor(text: string, mountBytes: number) {
    this.#text = text;
    this.#bytes = encoder.encode(text);
    this.#mountBytes = mountBytes;
  }

  /** The topic with the prefix. */
  before(topic: KnownTopic): SentTopic {
    if (this.#bytes.length === 0) return topic;
    const known = topic.tag as { prefix: TopicPrefix; sent: SentTopic } | null;
    if (known?.prefix === this) return known.sent;
    const bytes = new Uint8Array(topic.bytes.length + this.#bytes.length);
    // The mount point stays in front, because it is removed when the message is sent.
    bytes.set(topic.bytes.subarray(0, this.#mountBytes));
    bytes.set(this.#bytes, this.#mountBytes);
    bytes.set(topic.bytes.subarray(this.#mountBytes), this.#mountBytes + this.#bytes.length);
    const sent = { name: this.#text + topic.name, bytes };
    topic.tag = { prefix: this, sent };
    return sent;
  }
}

/** Whether a message of a stream has expired. */
export function isExpired({ expirySeconds, timeMs }: RecordView, context: BrokerContext): boolean {
  if (expirySeconds < 0) return false;
  return context.calendar.toClock(timeMs) + expirySeconds * 1000 <= context.clock.now();
}

/**
 * The message at a cursor, as a client receives it.
 *
 * @param isMarked Whether it has marks, as in 5.0.
 * @param gap The gap before it.
 * @param delivery How often it was sent to members of a group, including this time.
 */
export function streamMessage(
  { record, seq }: Pick<StreamCursor, "record" | "seq">,
  topic: SentTopic,
  isMarked: boolean,
  gap: { from: number; to: number } | null,
  delivery: number,
  context: Pick<BrokerContext, "calendar">,
): Message {
  const { expirySeconds, timeMs } = record;
  const marked = isMarked ? withMarks(record, seq, gap, delivery) : null;
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
    expirySeconds < 0 ? 0 : context.calendar.toClock(timeMs),
    Origin.unknown,
  );
}
