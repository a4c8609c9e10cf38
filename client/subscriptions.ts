/** All subscriptions of a client, and what the server knows of them. */
import {
  packetSize,
  type Properties,
  type QoS,
  ReasonCode,
  type SubackPacket,
  type SubscribePacket,
  type UnsubackPacket,
  type UnsubscribePacket,
} from "../codec/mod.ts";
import {
  hasWildcard,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../router/topic.ts";
import { Answer } from "./answer.ts";
import { asError, DisconnectedError, SubscribeError } from "./errors.ts";
import { FilterTable } from "./filter_table.ts";
import type { ClientLimits } from "./limits.ts";
import type { Incoming } from "./incoming.ts";
import type { Link } from "./link.ts";
import type { ClientMessage } from "./message.ts";
import type { Outgoing } from "./outgoing.ts";
import type { ReadPause } from "./read_pause.ts";
import { type ClientSubscribeOptions, SubscriptionRecord } from "./subscription.ts";
import { SubscriptionBuffer } from "./subscription_buffer.ts";

const IDENTIFIER_MAX = 268_435_455;

/** An UNSUBSCRIBE, which is repeated on the next connection if the connection is lost. */
interface Unsubscription {
  readonly filters: string[];
  readonly answer: Answer<readonly number[]>;
}

/**
 * The subscriptions of a client, and what the server knows about them. Each has at most one open
 * request. Its state says which request is next.
 */
export class Subscriptions {
  readonly #limits: ClientLimits;
  readonly #readPause: ReadPause;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  /** All subscriptions that the server may know. */
  readonly #records = new Set<SubscriptionRecord>();
  /** The subscriptions that the program has not ended. */
  readonly #table = new FilterTable();
  /** UNSUBSCRIBEs for filters of an earlier program. */
  readonly #unsubscriptions = new Set<Unsubscription>();
  #lastIdentifier = 0;
  #link: Link | null = null;

  /** Makes an empty one. */
  constructor(limits: ClientLimits, readPause: ReadPause, outgoing: Outgoing, incoming: Incoming) {
    this.#limits = limits;
    this.#readPause = readPause;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  /**
   * Adds a subscription, and gives it the messages that arrived before.
   *
   * @throws {TypeError} If a filter is not valid, or there is none.
   * @throws {SubscribeError} If there are `subscriptionsMax` subscriptions already.
   */
  add(filters: readonly string[], options: ClientSubscribeOptions): SubscriptionRecord {
    checkFilters("subscribe to", filters);
    this.#checkRoom("subscribe");
    const { qos = 2, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
    const { properties = {}, overflow = "wait" } = options;
    const identifier = options.identifier ?? this.#nextIdentifier();
    const record = new SubscriptionRecord(
      filters,
      { qos, noLocal, retainAsPublished, retainHandling, properties, identifier },
      new SubscriptionBuffer(this.#readPause, this.#limits, overflow),
      new Answer(this.#readPause),
    );
    this.#records.add(record);
    this.#table.add(record);
    this.#incoming.claim(record.buffer, (topic) => matchesAny(filters, topic));
    this.#step(record);
    return record;
  }

  /** The buffers of the subscriptions that a message is for. */
  route(message: ClientMessage): SubscriptionBuffer[] {
    return Array.from(this.#table.match(message), (record) => record.buffer);
  }

  /**
   * Ends a subscription.
   *
   * @param error The error that its iterator throws, or `null`.
   */
  end(record: SubscriptionRecord, error: Error | null): void {
    if (record.isEnded) return;
    record.isEnded = true;
    this.#table.remove(record);
    record.buffer.close(error, true);
    record.ready.reject(error ?? new DisconnectedError("The subscription has ended"));
    this.#step(record);
    if (this.#link === null) record.gone.close();
  }

  /**
   * Ends filters that no subscription of this client has.
   *
   * @returns The reason code of each filter.
   * @throws {TypeError} If a filter is not valid, or a subscription has it.
   * @throws {SubscribeError} If too many requests are open, or the request is too large.
   */
  async unsubscribe(filters: string[]): Promise<readonly number[]> {
    checkFilters("unsubscribe from", filters);
    const taken = filters.find((filter) => this.#table.has(filter));
    if (taken !== undefined) {
      throw new TypeError(`Cannot unsubscribe from "${taken}": a subscription has it`);
    }
    this.#checkRoom("unsubscribe");
    // A packet that cannot be written is the caller's error, so it is reported at once.
    packetSize({ type: "unsubscribe", packetId: 1, filters, properties: {} }, 5);
    const unsubscription: Unsubscription = { filters, answer: new Answer(this.#readPause) };
    this.#unsubscriptions.add(unsubscription);
    if (this.#link !== null) this.#askToEnd(this.#link, unsubscription);
    return await unsubscription.answer;
  }

  /** Begins on a new connection: sends the requests that the server does not know. */
  attach(link: Link): void {
    this.#link = link;
    const ending = new Set<string>();
    for (const unsubscription of this.#unsubscriptions) {
      for (const filter of unsubscription.filters) ending.add(filter);
      this.#askToEnd(link, unsubscription);
    }
    for (const record of this.#records) {
      const isEnding = !record.isEnded && record.filters.some((filter) => ending.has(filter));
      if (!link.server.sessionPresent || isEnding) record.isGranted = false;
      this.#step(record);
    }
  }

  /** Ends on a connection. */
  detach(): void {
    this.#link = null;
    for (const record of this.#records) {
      // The server may have granted it, and the answer was lost. Asking twice does no harm.
      if (record.asked === "subscribe") record.isGranted = record.isEnded;
      record.asked = null;
      if (record.isEnded) record.gone.close();
    }
  }

  /** Ends all subscriptions. With an error, the program first gets the held messages. */
  fail(error: Error | null): void {
    for (const record of this.#records) {
      record.isEnded = true;
      this.#table.remove(record);
      // Messages that were not taken are not acknowledged, so the next connection brings them
      // again.
      record.buffer.close(error, false);
      record.ready.reject(error ?? new DisconnectedError("The client is closed"));
      record.gone.close();
    }
    this.#records.clear();
    for (const { answer } of this.#unsubscriptions) {
      answer.reject(error ?? new DisconnectedError("The client is closed"));
    }
    this.#unsubscriptions.clear();
  }

  #checkRoom(action: "subscribe" | "unsubscribe"): void {
    const count = this.#records.size + this.#unsubscriptions.size;
    if (count < this.#limits.subscriptionsMax) return;
    const message = `Cannot ${action}: there are ${count} subscriptions`;
    throw new SubscribeError(message, [], { reasonCode: ReasonCode.QuotaExceeded });
  }

  #askToEnd(link: Link, unsubscription: Unsubscription): void {
    const { filters, answer } = unsubscription;
    const packet: UnsubscribePacket = { type: "unsubscribe", packetId: 1, filters, properties: {} };
    if (!link.takes(packet)) {
      const reasonCode = ReasonCode.PacketTooLarge;
      this.#unsubscriptions.delete(unsubscription);
      return answer.reject(new SubscribeError("Cannot unsubscribe", [], { reasonCode }));
    }
    packet.packetId = this.#outgoing.ask({
      onAnswer: ({ reasonCodes }) => {
        this.#unsubscriptions.delete(unsubscription);
        // In 3.1.1 the answer has no codes, which means success.
        const codes = filters.map((_, index) => reasonCodes[index] ?? ReasonCode.Success);
        const gone = filters.filter((_, index) => codes[index]! < 0x80);
        this.#incoming.forgo((topic) => matchesAny(gone, topic));
        answer.resolve(codes);
      },
    });
    link.send(packet);
  }

  #nextIdentifier(): number {
    do {
      this.#lastIdentifier = this.#lastIdentifier % IDENTIFIER_MAX + 1;
    } while (this.#table.hasIdentifier(this.#lastIdentifier));
    return this.#lastIdentifier;
  }

  /** Sends the next request of a subscription, if none is open. */
  #step(record: SubscriptionRecord): void {
    const link = this.#link;
    if (link === null || record.asked !== null) return;
    if (!record.isEnded && !record.isGranted) this.#subscribe(link, record);
    else if (record.isEnded && record.isGranted) this.#unsubscribe(link, record);
    else if (record.isEnded) this.#forget(record);
  }

  #subscribe(link: Link, record: SubscriptionRecord): void {
    const reasonCode = unsupported(link, record.filters);
    if (reasonCode !== null) return this.#refuse(record, [], reasonCode);
    const { qos, noLocal, retainAsPublished, retainHandling } = record.settings;
    const packet: SubscribePacket = {
      type: "subscribe",
      packetId: 1,
      properties: propertiesOf(link, record),
      subscriptions: record.filters.map((filter) => {
        return { filter, qos, noLocal, retainAsPublished, retainHandling };
      }),
    };
    try {
      packetSize(packet, link.connection.version);
    } catch (error) {
      // The packet is not valid, such as No Local with a shared filter.
      return this.#reject(record, asError(error));
    }
    if (!link.takes(packet)) return this.#refuse(record, [], ReasonCode.PacketTooLarge);
    record.asked = "subscribe";
    packet.packetId = this.#outgoing.ask({
      onAnswer: (answer) => this.#onGranted(record, answer),
    });
    link.send(packet);
  }

  #unsubscribe(link: Link, record: SubscriptionRecord): void {
    // The server has each filter once, so the filter stays while another subscription has it.
    const filters = record.filters.filter((filter) => !this.#table.has(filter));
    if (filters.length === 0) return this.#forget(record);
    record.asked = "unsubscribe";
    const packetId = this.#outgoing.ask({ onAnswer: () => this.#forget(record) });
    const packet: UnsubscribePacket = { type: "unsubscribe", packetId, filters, properties: {} };
    link.send(packet);
  }

  #onGranted(record: SubscriptionRecord, packet: SubackPacket | UnsubackPacket): void {
    record.asked = null;
    const { reasonCodes, properties } = packet;
    record.isGranted = reasonCodes.some((code) => code < 0x80);
    const refused = reasonCodes.find((code) => code >= 0x80);
    if (refused !== undefined) {
      return this.#refuse(record, reasonCodes, refused, properties.reasonString);
    }
    record.ready.resolve(reasonCodes as QoS[]);
    this.#step(record);
  }

  #refuse(
    record: SubscriptionRecord,
    reasonCodes: readonly number[],
    reasonCode: number,
    reasonString?: string,
  ): void {
    const message = `The subscription to ${record.filters.join(", ")} was refused`;
    const error = new SubscribeError(message, reasonCodes, { reasonCode, reasonString });
    if (record.isEnded) this.#step(record);
    else this.#reject(record, error);
  }

  #reject(record: SubscriptionRecord, error: Error): void {
    // Messages that it has claimed may be for another subscription.
    const claimed = record.buffer.release();
    this.end(record, error);
    for (const delivery of claimed) this.#incoming.keep(delivery);
  }

  #forget(record: SubscriptionRecord): void {
    record.asked = null;
    this.#records.delete(record);
    record.gone.close();
  }
}

/** Whether any of the filters matches, for messages that came for no subscription. */
function matchesAny(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => {
    return matchesFilter(parseSharedFilter(filter)?.filter ?? filter, topic);
  });
}

function checkFilters(
  action: "subscribe to" | "unsubscribe from",
  filters: readonly string[],
): void {
  if (filters.length === 0) throw new TypeError(`Cannot ${action} nothing: no filter is given`);
  for (const filter of filters) {
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`Cannot ${action} "${filter}": ${fault}`);
  }
}

/** The Reason Code of a filter that the server is known not to support, or `null`. */
function unsupported({ server }: Link, filters: readonly string[]): number | null {
  for (const filter of filters) {
    if (!server.wildcardSubscriptionAvailable && hasWildcard(filter)) {
      return ReasonCode.WildcardSubscriptionsNotSupported;
    }
    if (!server.sharedSubscriptionAvailable && parseSharedFilter(filter) !== null) {
      return ReasonCode.SharedSubscriptionsNotSupported;
    }
  }
  return null;
}

function propertiesOf({ server }: Link, { settings }: SubscriptionRecord): Properties {
  return server.subscriptionIdentifiersAvailable
    ? { ...settings.properties, subscriptionIdentifiers: [settings.identifier] }
    : settings.properties;
}
