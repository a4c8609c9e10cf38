import type { Packet, SubscribePacket, UnsubscribePacket } from "../../codec/mod.ts";
import { type Ledger, NEVER, type SessionRecord, type SubscriptionRecord } from "./ledger.ts";

/** What a client asks for with one topic filter. */
export interface Wish {
  readonly filter: string;
  readonly group: string | null;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/** The topic filter as it is sent. */
function fullFilter({ filter, group }: { filter: string; group: string | null }): string {
  return group === null ? filter : `$share/${group}/${filter}`;
}

/** A request that has not been answered. */
interface Request {
  readonly type: "suback" | "unsuback";
  readonly codes: number[];
  settle(at: number): void;
}

/** What a client subscribes to: it enters in the ledger what was asked for and what was granted. */
export class Subscriptions {
  readonly #clientId: string;
  readonly #ledger: Ledger;
  readonly #requests = new Map<number, Request>();
  #identifiers = 0;

  constructor(clientId: string, ledger: Ledger) {
    this.#clientId = clientId;
    this.#ledger = ledger;
  }

  /** Asks for a subscription, which replaces one with the same filter. */
  subscribe(
    session: SessionRecord,
    wish: Wish,
    packetId: number,
    withIdentifier: boolean,
  ): SubscribePacket {
    const identifier = withIdentifier ? ++this.#identifiers : 0;
    const replaced = currentOf(session, wish);
    const requestedAt = this.#ledger.tick();
    for (const record of replaced) {
      record.endRequestedAt = Math.min(record.endRequestedAt, requestedAt);
    }
    const { filter, group, qos, noLocal, retainHandling } = wish;
    const isNew = !session.subscriptions.some((old) => fullFilter(old) === fullFilter(wish));
    const record: SubscriptionRecord = {
      ...{ filter, group, qos, noLocal, identifier, requestedAt },
      home: this.#ledger.homeOf(this.#clientId),
      wantsRetained: group === null && (retainHandling === 0 || (retainHandling === 1 && isNew)),
      mayGetRetained: group === null && retainHandling !== 2,
      grantedAt: NEVER,
      endRequestedAt: NEVER,
      endedAt: NEVER,
    };
    session.subscriptions.push(record);
    const settle = (at: number) => {
      record.grantedAt = at;
      for (const old of replaced) old.endedAt = Math.min(old.endedAt, at);
    };
    this.#requests.set(packetId, { type: "suback", codes: [qos], settle });
    const properties = identifier === 0 ? {} : { subscriptionIdentifiers: [identifier] };
    const request = { filter: fullFilter(wish), qos, noLocal, retainAsPublished: false };
    const subscriptions = [{ ...request, retainHandling }];
    return { type: "subscribe", packetId, properties, subscriptions };
  }

  /** Asks for the end of a subscription. */
  unsubscribe(
    session: SessionRecord,
    subscription: SubscriptionRecord,
    packetId: number,
  ): UnsubscribePacket {
    const records = currentOf(session, subscription);
    const at = this.#ledger.tick();
    for (const record of records) record.endRequestedAt = Math.min(record.endRequestedAt, at);
    const settle = (at: number) => {
      for (const record of records) record.endedAt = Math.min(record.endedAt, at);
    };
    this.#requests.set(packetId, { type: "unsuback", codes: [0x00, 0x11], settle });
    return {
      type: "unsubscribe",
      packetId,
      filters: [fullFilter(subscription)],
      properties: {},
    };
  }

  /** Handles SUBACK or UNSUBACK. */
  answered(packet: Extract<Packet, { type: "suback" | "unsuback" }>): void {
    const request = this.#requests.get(packet.packetId);
    this.#requests.delete(packet.packetId);
    const [code] = packet.reasonCodes;
    if (request === undefined || request.type !== packet.type) {
      return this.#ledger.fault(`${this.#clientId} got ${packet.type} for nothing`);
    }
    // An UNSUBACK of 3.x has no code.
    if (code !== undefined && !request.codes.includes(code)) {
      this.#ledger.fault(`${this.#clientId} got ${packet.type} with code ${code}`);
    }
    request.settle(this.#ledger.tick());
  }

  /** The connection is gone, and with it the answers. */
  detach(): void {
    this.#requests.clear();
  }
}

/** What may be in force for a filter. */
function currentOf(
  session: SessionRecord,
  wish: { filter: string; group: string | null },
): SubscriptionRecord[] {
  return session.subscriptions.filter((record) =>
    record.endedAt === NEVER && fullFilter(record) === fullFilter(wish)
  );
}
