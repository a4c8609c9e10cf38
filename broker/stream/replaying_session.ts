/** The interface of a session that its subscriptions to streams need. */
import type { ClientLink } from "../session/client_link.ts";
import type { InflightMessages } from "../session/inflight.ts";

/** The session, as its subscriptions that read streams need it. */
export interface ReplayingSession {
  readonly clientId: string;
  readonly expirySeconds: number;
  readonly hasEnded: boolean;
  readonly link: ClientLink | null;
  readonly queue: { readonly messages: number; markChanged(): void };
  openInflight(): InflightMessages;
  mayReceive(topic: string): boolean;
}
