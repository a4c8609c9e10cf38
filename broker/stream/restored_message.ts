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

/** The streams of a session, as such a message needs them. */
export interface RestoredHost {
  readonly context: BrokerContext;
  /** Reads a message; `null` if it is gone. */
  find(place: StreamPlace): Promise<RecordView | null>;
  /** The message is gone. */
  onGone(place: StreamPlace): void;
}

/**
 * A QoS 2 message that was in flight when the broker ended. It is read from its stream when it is
 * sent again, with the same packet identifier. If the stream no longer has it, only PUBREL is sent,
 * and the next message tells of the gap.
 */
export class RestoredMessage extends StreamInflight {
  readonly #host: RestoredHost;
  #isOver = false;

  constructor(host: RestoredHost, place: StreamPlace, variant: Variant) {
    super(null, variant, 2, "");
    this.#host = host;
    this.place = place;
    this.hold = new StreamHold(host.context, () => this.#find(place));
  }

  /** Whether it is not known yet if the stream has it. */
  get isPending(): boolean {
    return !this.#isOver && this.hold !== null && this.hold.entry === null && !this.hold.isRemoved;
  }

  override onFinished(): void {
    this.#isOver = true;
  }

  async #find(place: StreamPlace): Promise<Message | null> {
    const { source: { prefix, mountBytes }, seq, gap } = place;
    const record = await this.#host.find(place);
    if (record === null) {
      this.#host.onGone(place);
      return null;
    }
    const topic = new TopicMemo(null).find(record.bytes, record.topicStart, record.topicEnd);
    this.name = topic.name;
    const sent = new TopicPrefix(prefix, mountBytes).before(topic);
    return streamMessage({ record, seq }, sent, true, gap, 1, this.#host.context).keep();
  }
}
