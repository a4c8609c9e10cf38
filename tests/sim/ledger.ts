/**
 * What happened in a simulation, as the clients saw it, for the invariants to be checked against.
 *
 * The broker's own order of events is hidden from its clients. So every event of theirs has a
 * number, its *tick*, and a claim is made only where ticks leave no doubt: a message whose sending
 * began after a SUBACK came was published after the subscription was made.
 *
 * @module
 */
import type { QoS } from "../../codec/mod.ts";
import { slowlyMatches } from "../../router/testdata/random_topics.ts";

/** The tick of what has not happened. */
export const NEVER = Infinity;

/** A connection, from its CONNACK on. */
export interface ConnectionRecord {
  readonly openedAt: number;
  endedAt: number;
}

/** A message that a client publishes. */
export interface Publication {
  /** Counts up over all publishers; the payload tells it. */
  readonly id: number;
  readonly publisher: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** The node of its publisher; 0 where there is one broker. */
  readonly home: number;
  /** When its first byte could have left. */
  sentAt: number;
  /** When the broker was known to have it. */
  ackedAt: number;
  /** How often it was sent. */
  sends: number;
  /** Whether the broker has said that it does not take it. */
  isRefused: boolean;
  /** The connection on which it was first sent. */
  connection: ConnectionRecord | null;
}

/** A will, from the CONNECT that carries it. */
export interface WillRecord {
  readonly publication: Publication;
  /** The connection it is for; `null` as long as the client does not know of being let in. */
  connection: ConnectionRecord | null;
  /** Whether the client has said goodbye, or the broker may never have got the CONNECT. */
  isForgone: boolean;
}

/** A subscription, from SUBSCRIBE to UNSUBSCRIBE or to a SUBSCRIBE that replaces it. */
export interface SubscriptionRecord {
  /** The topic filter, without `$share/…`. */
  readonly filter: string;
  /** The name of the shared group, or `null`. */
  readonly group: string | null;
  /** The node of its client; 0 where there is one broker. */
  readonly home: number;
  readonly qos: QoS;
  readonly noLocal: boolean;
  /** The Subscription Identifier; 0 for none. */
  readonly identifier: number;
  /** Whether retained messages must come. */
  readonly wantsRetained: boolean;
  /** Whether they may. */
  readonly mayGetRetained: boolean;
  readonly requestedAt: number;
  grantedAt: number;
  endRequestedAt: number;
  endedAt: number;
}

/** A message as a client has received it; a repeated QoS 2 packet is none. */
export interface Delivery {
  readonly publication: Publication;
  readonly qos: QoS;
  readonly dup: boolean;
  readonly retain: boolean;
  /** Subscription Identifiers; `null` where the version of the connection has none. */
  readonly identifiers: readonly number[] | null;
  readonly at: number;
}

/** A session, as far as its client knows. */
export interface SessionRecord {
  readonly clientId: string;
  readonly subscriptions: SubscriptionRecord[];
  readonly deliveries: Delivery[];
  /** Every connection it was bound to. */
  readonly connections: ConnectionRecord[];
  /** When it may have begun to end. */
  endedAt: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Everything that the clients of one simulation have done and seen. */
export class Ledger {
  readonly publications: Publication[] = [];
  readonly sessions: SessionRecord[] = [];
  readonly wills: WillRecord[] = [];
  /** What was found to be wrong. */
  readonly faults: string[] = [];
  /** Grows with everything that a client sends or receives, pings aside. */
  activity = 0;
  /** When the broker has crashed, in milliseconds. */
  readonly crashedMs: number[] = [];
  /** The node on which each client lives, where there are several. */
  readonly homes: Map<string, number> = new Map();
  #ticks = 0;
  readonly #journal: string[] | null;
  readonly #now: () => number;

  /** @param keepsJournal Whether the packets are written down, to be read by people. */
  constructor(now: () => number, keepsJournal: boolean) {
    this.#now = now;
    this.#journal = keepsJournal ? [] : null;
  }

  /** How often the broker has crashed. */
  get crashes(): number {
    return this.crashedMs.length;
  }

  /** The number of the next event. */
  tick(): number {
    return ++this.#ticks;
  }

  /** The packets up to the end, or up to the first fault. */
  get journal(): readonly string[] {
    return this.#journal ?? [];
  }

  /** Writes a line down, until there is a fault. */
  note(line: () => string): void {
    if (this.#journal !== null && this.faults.length === 0) {
      this.#journal.push(`${this.#now()} ms, tick ${this.#ticks}: ${line()}`);
    }
  }

  /** Something is wrong. */
  fault(text: string): void {
    this.note(() => `FAULT ${text}`);
    this.faults.push(text);
  }

  /** Enters a message that is to be published. */
  publication(
    publisher: string,
    fields: { topic: string; qos: QoS; retain: boolean; payloadBytes: number },
  ): Publication {
    const id = this.publications.length;
    const { topic, qos, retain, payloadBytes } = fields;
    const mark = `${id} `;
    const payload = encoder.encode(mark.repeat(Math.max(1, Math.ceil(payloadBytes / mark.length))));
    const times = { sentAt: NEVER, ackedAt: NEVER, sends: 0, isRefused: false, connection: null };
    const home = this.homeOf(publisher);
    const publication = { id, publisher, topic, qos, retain, payload, home, ...times };
    this.publications.push(publication);
    return publication;
  }

  /** The node of a client. */
  homeOf(clientId: string): number {
    return this.homes.get(clientId) ?? 0;
  }

  /** Enters a will that is about to be sent. */
  will(clientId: string, qos: 1 | 2): WillRecord {
    const topic = `will/${clientId}`;
    const fields = { topic, qos, retain: false, payloadBytes: 10 };
    const publication = this.publication(clientId, fields);
    publication.sentAt = this.tick();
    publication.sends = 1;
    const will = { publication, connection: null, isForgone: false };
    this.wills.push(will);
    return will;
  }

  /** The message that a payload is of; `undefined` if nobody has ever sent these bytes. */
  publicationOf(payload: Uint8Array): Publication | undefined {
    const found = this.publications[parseInt(decoder.decode(payload))];
    if (found === undefined || found.payload.length !== payload.length) return undefined;
    return found.payload.every((byte, index) => byte === payload[index]) ? found : undefined;
  }

  /** Enters a session that begins. */
  session(clientId: string): SessionRecord {
    const session = {
      clientId,
      subscriptions: [],
      deliveries: [],
      connections: [],
      endedAt: NEVER,
    };
    this.sessions.push(session);
    return session;
  }
}

/** Whether a subscription is for such messages at all. */
export function concerns(
  subscription: SubscriptionRecord,
  clientId: string,
  { topic, publisher }: Publication,
): boolean {
  if (subscription.noLocal && publisher === clientId) return false;
  return slowlyMatches(subscription.filter, topic);
}

/** Whether the broker may have had the subscription when it got the message. */
export function mayHold(subscription: SubscriptionRecord, publication: Publication): boolean {
  if (publication.sentAt > subscription.endedAt) return false;
  // A shared group hands a message over to members that have joined since. And a message that was
  // acknowledged at one node may still be on its way to another.
  const isLate = subscription.group !== null || subscription.home !== publication.home;
  return isLate || publication.ackedAt > subscription.requestedAt;
}

/** Whether the broker certainly had the subscription whenever it got the message. */
export function mustHold(subscription: SubscriptionRecord, publication: Publication): boolean {
  const { grantedAt, endRequestedAt, home } = subscription;
  if (grantedAt >= publication.sentAt) return false;
  if (home === publication.home) return publication.ackedAt < endRequestedAt;
  return publication.ackedAt !== NEVER && endRequestedAt === NEVER;
}
