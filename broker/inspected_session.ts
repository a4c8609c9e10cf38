/** A session and its connection, as operators see them. */
import type { ClientInfo } from "../auth/authenticator.ts";
import type { Connection } from "./connection/connection.ts";
import type { BacklogLook, BacklogPlace } from "./delivery/waiting_message.ts";
import { NEVER_EXPIRES, type Session } from "./session/session.ts";

/** A connection as operators see it. */
export interface InspectedConnection {
  readonly client: ClientInfo;
  /** When it was accepted, by the clock of the broker. */
  readonly sinceMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Bytes that wait to be written to the client. */
  readonly lagBytes: number;
}

/** A subscription as operators see it. */
export interface InspectedSubscription {
  /** The filter of the SUBSCRIBE. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
  /**
   * The stream that it reads; `null` for the messages that are published. It is `""` for a stream of
   * another worker that was found by its topics.
   */
  readonly stream: string | null;
  /** The Subscription Identifier; 0 for none. */
  readonly identifier: number;
}

/** The state that the broker keeps of a client, as operators see it. The object is live. */
export class InspectedSession {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get clientId(): string {
    return this.#session.clientId;
  }

  /** The user name, as of its last connection; `null` for none. */
  get username(): string | null {
    return this.#session.username;
  }

  /** The connection of its client; `null` while it is away, or not accepted yet. */
  get connection(): InspectedConnection | null {
    const connection = this.#connection;
    if (connection === null || connection.client === null) return null;
    const { client, traffic: { sinceMs, bytesReceived, bytesSent }, outbox } = connection;
    return { client, sinceMs, bytesReceived, bytesSent, lagBytes: outbox.lag };
  }

  /** Bytes that wait to be written to the client; 0 while it is away. */
  get lagBytes(): number {
    return this.#session.link?.outbox.lag ?? 0;
  }

  get isConnected(): boolean {
    return this.#session.link !== null;
  }

  /** Whether it survives a restart. */
  get isDurable(): boolean {
    return this.#session.isDurable;
  }

  /** Seconds that it outlives its connection; `null` for ever. */
  get expirySeconds(): number | null {
    const { expirySeconds } = this.#session;
    return expirySeconds === NEVER_EXPIRES ? null : expirySeconds;
  }

  get inflight(): number {
    return this.#session.inflight;
  }

  /** How many messages wait, and their bytes. */
  get waiting(): { readonly messages: number; readonly bytes: number } {
    const { messages, bytes } = this.#session.waiting;
    return { messages, bytes };
  }

  /**
   * Walks the waiting messages, oldest first, without removing any.
   *
   * @param after Begins behind this place; `null` for the oldest.
   */
  *look(after: BacklogPlace | null): BacklogLook {
    const { backlog } = this.#session.queue;
    if (backlog !== null) yield* backlog.look(after);
  }

  get subscriptionCount(): number {
    return this.#session.subscriptions.size + (this.#session.replays?.size ?? 0);
  }

  /** Every subscription; they may come and go during the walk. */
  *subscriptions(): Generator<InspectedSubscription, void, void> {
    for (const { filter, options } of this.#session.subscriptions.values()) {
      yield { filter, ...options, stream: null };
    }
    for (
      const { key, stream, qos, noLocal, identifier } of this.#session.replays?.records() ?? []
    ) {
      const options = { qos, noLocal, retainAsPublished: false, retainHandling: 0, identifier };
      yield { filter: key, ...options, stream };
    }
  }

  /** The topic of its will; `null` without one. */
  get willTopic(): string | null {
    return this.#session.will?.will.topic ?? null;
  }

  /**
   * Disconnects the client.
   *
   * @returns False if it is not connected.
   */
  disconnect(reasonCode: number, reasonString: string | null): boolean {
    const connection = this.#connection;
    if (connection === null) return false;
    connection.disconnect(reasonCode, reasonString ?? undefined);
    return true;
  }

  get #connection(): Connection | null {
    return this.#session.link as Connection | null;
  }
}
