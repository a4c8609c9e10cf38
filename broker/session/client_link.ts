/** The interface of a connection that its session needs. */
import type { Authorizer } from "../../auth/authorizer.ts";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import type { Variant } from "../../router/variant.ts";
import type { EffectivePolicy } from "../base/listener_policy.ts";
import type { Message } from "../base/message.ts";
import type { MessageSender } from "../delivery/publish_sender.ts";
import type { Outbox } from "../delivery/outbox.ts";
import type { Wire } from "../delivery/subscriber.ts";
import type { DropReason } from "../base/stats.ts";

/** What a session needs of the connection that it is bound to. */
export interface ClientLink {
  /** The bytes that are written to the client. */
  readonly outbox: Outbox;
  /** The protocol version that the client speaks. */
  readonly version: ProtocolVersion;
  /** Whether it takes a Reason String in every packet [MQTT-3.1.2-29]. */
  readonly wantsReasons: boolean;
  /** The known facts about the client. */
  readonly peer: PeerInfo;
  /** The rules of the client's listener. */
  readonly policy: EffectivePolicy;
  /** Decides about the permissions of the client; `null` allows everything. */
  readonly authorizer: Authorizer | null;
  /** The format in which the client is written to. */
  readonly wire: Wire;
  /** Encodes messages for the client; `null` until the client is accepted. */
  readonly sender: MessageSender | null;
  /**
   * Sends a PUBLISH; false if the client cannot be sent it, see {@linkcode whyUnsent}.
   *
   * @param isSure Whether it must not be skipped when the client lags: by default QoS 1 and 2.
   */
  send(
    message: Message,
    variant: Variant,
    qos: QoS,
    packetId: number,
    dup: boolean,
    isSure?: true,
  ): boolean;
  /** Why a PUBLISH was not sent. */
  whyUnsent(message: Message): DropReason;
  /** Sends a PUBREL. */
  sendPubrel(packetId: number, reasonCode: number): void;
  /** Tells the client the reason, and closes. */
  disconnect(reasonCode: number, reasonString?: string): void;
}
