/** The interface of a session that its subscriptions to streams need. */
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { InflightMessages } from "../session/inflight.ts";

/** The session, as its subscriptions that read streams need it. */
export interface ReplayingSession {
  readonly clientId: string;
  readonly expirySeconds: number;
  readonly hasEnded: boolean;
  readonly link: ClientLink | null;
  readonly queue: {
    readonly isDurable: boolean;
    readonly messages: number;
    markChanged(): void;
    sendStored(exchange: PublishExchange<InflightMessage>): boolean;
  };
  openInflight(): InflightMessages;
  mayReceive(topic: string): boolean;
}
