/** A message in flight that is also in the store. */
import type { QoS } from "../../codec/mod.ts";
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import { InflightMessage } from "../session/inflight_message.ts";
import type { Message } from "../base/message.ts";
import type { StreamInflight } from "../stream/stream_inflight.ts";
import type { MessageHold } from "./message_hold.ts";

/**
 * A message in flight that is also in the store. `commit` is set by `durable_inflight.ts`, `hold`
 * by the queue when the message is over.
 */
export class StoredInflight extends InflightMessage {
  /** The commit that must be on the disk before it is sent; 0 for none. */
  commit = 0;

  /** @param hold Keeps it in the store; `null` if it is not there. */
  constructor(
    message: Message | null,
    variant: Variant,
    qos: QoS,
    public hold: MessageHold | null,
  ) {
    super(message, variant, qos);
  }

  /** Releases a stored message from memory. It is loaded if it must be sent again. */
  letGo(): void {
    if (this.hold !== null) this.message = null;
  }
}

/**
 * The message of an exchange. A durable session begins exchanges only for messages of its queue and
 * of streams.
 */
export function storedOf(
  exchange: PublishExchange<InflightMessage>,
): StoredInflight | StreamInflight {
  return exchange.message as StoredInflight | StreamInflight;
}
