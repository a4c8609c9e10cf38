/** A message of a stream in flight to a client. */
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import { InflightMessage } from "../session/inflight_message.ts";
import type { StreamHold } from "./stream_hold.ts";
import type { StreamPlace } from "./stream_place.ts";

/**
 * A message of a stream in flight to a client. A durable queue treats it like its own messages in
 * flight (`StoredInflight`), but this one holds no entry of a log. `commit` is set by the queue.
 */
export class StreamInflight extends InflightMessage {
  /** The commit that must be on the disk before it is sent; 0 for none. */
  commit = 0;
  /** Finds a message of an earlier start; `null` for one that is in memory. */
  hold: StreamHold | null = null;
  /** Where it is found again after a restart; `null` if it is not stored with its session. */
  place: StreamPlace | null = null;
  declare readonly qos: 1 | 2;
  protected name: string;

  constructor(message: Message | null, variant: Variant, qos: 1 | 2, topic: string) {
    super(message, variant, qos);
    this.name = topic;
    this.wasSent = true;
  }

  /**
   * It stays in memory until it is acknowledged, because its stream may drop it before it is sent
   * again.
   */
  letGo(): void {}

  override get topic(): string {
    return this.name;
  }

  /** The message is still in its stream, so it is not kept as a dead letter. */
  override onUnsent(context: BrokerContext, reason: DropReason, clientId: string): void {
    context.countDrop(reason, this.message!.name, clientId);
  }
}
