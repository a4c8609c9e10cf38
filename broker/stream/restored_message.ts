/** A QoS 2 message of a stream that was in flight when the broker ended. */
import type { Variant } from "../../router/variant.ts";
import type { RecordView } from "../../stream/record.ts";
import { TopicMemo } from "../../stream/topic_memo.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import { StreamHold } from "./stream_hold.ts";
import { StreamInflight } from "./stream_inflight.ts";
import { streamMessage, TopicPrefix } from "./stream_message.ts";
import type { StreamPlace } from "./stream_place.ts";

/** The streams of the store, as such a message needs them. */
export interface StoredStreams {
  /** Reads a message; `null` if it is gone. */
  find(name: string, id: number, seq: number): Promise<RecordView | null>;
}

/**
 * A QoS 2 message that was in flight when the broker ended. It is read from its stream when it is
 * sent again, with the same packet identifier. If the stream no longer has it, only PUBREL is sent.
 */
export class RestoredMessage extends StreamInflight {
  readonly #context: BrokerContext;
  readonly #streams: () => StoredStreams | null;

  /** @param streams Returns the streams of the store; they are opened after the sessions. */
  constructor(
    context: BrokerContext,
    streams: () => StoredStreams | null,
    place: StreamPlace,
    variant: Variant,
  ) {
    super(null, variant, 2, "");
    this.#context = context;
    this.#streams = streams;
    this.place = place;
    this.hold = new StreamHold(context, () => this.#find(place));
  }

  async #find({ source, seq, gap }: StreamPlace): Promise<Message | null> {
    const { stream, streamId, prefix, mountBytes } = source;
    const record = await this.#streams()?.find(stream, streamId, seq) ?? null;
    if (record === null) return null;
    const topic = new TopicMemo(null).find(record.bytes, record.topicStart, record.topicEnd);
    this.name = topic.name;
    const sent = new TopicPrefix(prefix, mountBytes).before(topic);
    return streamMessage({ record, seq }, sent, true, gap, 1, this.#context).keep();
  }
}
