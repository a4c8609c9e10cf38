/** A message of a stream in flight to a client. */
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import { InflightMessage } from "../session/inflight_message.ts";

/**
 * A message of a stream in flight to a client. A durable queue treats it like its own messages in
 * flight (`StoredInflight`), but this one holds no entry of a log.
 */
export class StreamInflight extends InflightMessage {
  readonly hold = null;
  readonly commit = 0;
  readonly #topic: string;

  constructor(message: Message | null, variant: Variant, topic: string) {
    super(message, variant, 1);
    this.#topic = topic;
    this.wasSent = true;
  }

  /**
   * It stays in memory until it is acknowledged, because its stream may drop it before it is sent
   * again.
   */
  letGo(): void {}

  override get topic(): string {
    return this.#topic;
  }
}
