import type { QoS } from "../codec/mod.ts";
import type { Variant } from "../router/variant.ts";
import type { Message } from "./message.ts";
import type { Outbox } from "./outbox.ts";
import type { Wire } from "./receiver.ts";

/** What a session needs of the connection that it is bound to. */
export interface Link {
  /** Where everything for the client goes. */
  readonly outbox: Outbox;
  /** How it is written to. */
  readonly wire: Wire;
  /** Sends a PUBLISH; false if it is larger than the client takes. */
  send(message: Message, variant: Variant, qos: QoS, packetId: number, dup: boolean): boolean;
  /** Sends a PUBREL. */
  sendPubrel(packetId: number, reasonCode: number): void;
  /** Says why and closes. */
  disconnect(reasonCode: number): void;
}
