/** A message in flight to a session that reads a stream. */
import type { Message } from "../base/message.ts";
import type { Replay } from "./replay.ts";
import { StreamInflight } from "./stream_inflight.ts";

/**
 * A message of a stream in flight. With QoS 1 its acknowledgement moves the position that a later
 * resume begins at. With QoS 2 the session completes the exchange, and no resume reads it again.
 */
export class ReplayedMessage extends StreamInflight {
  /** Whether it is not sent any more. */
  isOver = false;
  readonly #replay: Replay;
  readonly #seq: number;

  /** @param from The position from which it is read again. */
  constructor(message: Message | null, replay: Replay, topic: string, seq: number, from: number) {
    const { variant } = replay;
    super(message, variant, variant.qos as 1 | 2, topic);
    this.#replay = replay;
    this.#seq = seq;
    if (variant.qos === 1) replay.inflight.set(seq, from);
  }

  override onFinished(): void {
    this.isOver = true;
    this.#replay.inflight.delete(this.#seq);
  }
}
