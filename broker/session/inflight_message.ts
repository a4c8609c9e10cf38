/** A message in flight: what is needed to send it again. */
import { type QoS, ReasonCode } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";

/**
 * A message in flight to a client: what is needed to send it again. `message` is public: the queues
 * release it when it is not sent again.
 */
export class InflightMessage {
  /** Whether the client may have seen it; set by what sends it, and by the restore. */
  wasSent = false;

  /**
   * @param message The message; `null` when only the store has it, and once it
   * will not be sent again.
   * @param variant How it is sent.
   * @param qos With which QoS.
   */
  constructor(
    public message: Message | null,
    readonly variant: Variant,
    readonly qos: QoS,
  ) {}

  /** The topic that the client must have the right to receive. */
  get topic(): string {
    return this.message!.name;
  }

  /**
   * The exchange is over: the client has the message, or has refused it.
   *
   * @param _reasonCode What the client has answered; 0x80 or more is a refusal.
   */
  onFinished(_reasonCode: number): void {}

  /** It cannot be sent to the client. It must be in memory. */
  onUnsent(context: BrokerContext, reason: DropReason, clientId: string): void {
    context.reportDrop(reason, this.message!, clientId);
  }

  /** It is not sent again, although the client has not answered. */
  onGivenUp(): void {
    this.onFinished(ReasonCode.Success);
  }
}
